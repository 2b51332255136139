import { writeEvaluation, type FoldFacts } from '../../domain/mil/evaluate/evaluation-files.js';

/** Where an evaluation of one fold comes from. */
export const FOLD_FACTS: FoldFacts = {
  cell: 'abmil-0-0',
  model: 'abmil',
  repeat: 0,
  fold: 0,
  seed: 1,
  set: 'test',
  level: 'slide',
  classes: ['a', 'b'],
  protocol: 'honest',
  selection: { epoch: 1, by: 'last', optimistic: false },
  training: {},
  sources: { checkpoint: 'sha256:1', splits: 'sha256:2' },
};

/** Eight slides in turn of class 0 and 1. */
export const SCORED = Array.from({ length: 8 }, (_, i) => {
  const score = (i + 1) / 10;
  return { key: `s${i}`, label: i % 2, probabilities: [1 - score, score] };
});

/** Writes the files of an evaluation of {@link SCORED} into a folder. */
export function writeSmallEvaluation(folder: string) {
  const made = { scored: SCORED, validation: [] };
  return writeEvaluation(folder, FOLD_FACTS, made, { threshold: 'half', bootstrap: 5 }).files;
}
