import { count } from './format-number.js';
import { NO_LABEL } from './read-dropped.js';
import type { FoldResult, HeatmapResult, LeftOut } from './report-data.js';

/** Fewer scored slides a fold than this make one slide's mistake move the AUC by whole points. */
const FEW_SLIDES = 30;

/** What the numbers themselves say about how far to trust them. */
export function automaticNotes(
  folds: readonly FoldResult[],
  heatmaps: readonly HeatmapResult[],
  left: readonly LeftOut[],
): string[] {
  const notes: string[] = [];
  const unlabeled = left.filter(({ reason }) => reason === NO_LABEL).length;
  if (unlabeled > 0) {
    notes.push(
      `${count(unlabeled, 'slide')} had no label and ${unlabeled === 1 ? 'is' : 'are'} in no number; Left out, below, names them.`,
    );
  }
  const least = Math.min(...folds.map(({ metrics }) => metrics.slides));
  if (least < FEW_SLIDES) {
    notes.push(
      `Folds are small (the smallest scores ${least} slides): one slide more or less right moves a fold by several points. Read the intervals, not the digits.`,
    );
  }
  const mixed = mixedGroups(folds);
  if (mixed.length > 0) {
    notes.push(
      `Several results of one fold are taken together in ${mixed.join(', ')}: their means mix runs that differ in a field which \`group-by\` of the report does not name.`,
    );
  }
  if (folds.some(({ metrics }) => metrics.selection.optimistic)) {
    notes.push(
      'Some epochs were chosen on the very slides that are scored: the numbers marked so are optimistic, with either threshold.',
    );
  }
  if (folds.some(({ metrics }) => metrics.protocol === 'paper')) {
    notes.push(
      'Where the protocol is paper, the threshold is the published one, Youden on the scored fold: F1, accuracy and the rates there are optimistic.',
    );
  }
  if (folds.some(({ metrics }) => metrics.rank.auc === null)) {
    notes.push(
      'Some folds have slides of one class only; their AUC is not defined and is left out of the means.',
    );
  }
  if (heatmaps.length > 0 && heatmaps.every(({ set }) => set === null)) {
    notes.push(
      'It is not known whether the heatmap slides were trained on; give `split` to mil.heatmap to state it.',
    );
  }
  return notes;
}

/** Groups in which one fold of one repeat was evaluated more than once. */
function mixedGroups(folds: readonly FoldResult[]): string[] {
  const seen = new Set<string>();
  const mixed = new Set<string>();
  for (const { group, metrics } of folds) {
    const place = JSON.stringify([group, metrics.repeat, metrics.fold]);
    if (seen.has(place)) mixed.add(group);
    seen.add(place);
  }
  return [...mixed];
}
