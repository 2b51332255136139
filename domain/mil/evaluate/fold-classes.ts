import { SamMilError } from '../../errors.js';
import type { JobResult } from '../../job.js';
import { combinePatients } from '../cohort/patient-level.js';
import type { ClassificationTarget } from '../targets/target.js';
import type { EvaluationOptions, Prediction } from './evaluate-predictions.js';
import { patientsOfKeys, type FoldToScore } from './fold-to-score.js';
import { writeEvaluation } from './evaluation-files.js';
import type { ScoredBag } from './score-bags.js';

/** Scores the classes of a fold under both protocols. */
export function scoreClasses(fold: FoldToScore<ClassificationTarget>): JobResult {
  const { job, facts, target } = fold;
  const { classes } = target;
  const { threshold, bootstrap, ordered, protocol } = job.with;
  if (ordered && classes.length === 2) job.log('warn', '`ordered` has no effect with two classes');
  return writeEvaluation(
    job.scratch,
    { ...facts, classes, protocol },
    { scored: predictionsOf(fold, fold.scored), validation: predictionsOf(fold, fold.validation) },
    { threshold: ruleOf(threshold), bootstrap, ordered },
  );
}

/** @throws SamMilError InvalidInput for a rule that only an ensemble has */
export function ruleOf(threshold: string | number): EvaluationOptions['threshold'] {
  if (typeof threshold === 'number') return { value: threshold, from: `given: ${threshold}` };
  if (threshold === 'validation' || threshold === 'half') return threshold;
  throw new SamMilError('InvalidInput', '`threshold: mean` is for the predictions of several checkpoints', {
    expected: '`validation`, `half` or a number for a fold',
  });
}

function predictionsOf(
  { job, target, splits }: FoldToScore<ClassificationTarget>,
  bags: readonly ScoredBag[],
): Prediction[] {
  const { level, patientScore = 'mean' } = job.with;
  const slides = bags.map(({ key, probabilities }) => ({
    ...{ key, label: splits.labels[key] },
    probabilities: [...probabilities],
  }));
  if (level !== 'patient' || slides.length === 0) return slides;
  const patients = patientsOfKeys(slides.map(({ key }) => key), splits); // prettier-ignore
  const combined = combinePatients(slides, patients, patientScore, target.classes);
  return combined.flatMap(({ key, label, probabilities, slides: count }) =>
    label === null ? [] : [{ key, label, probabilities: [...probabilities], slides: count }],
  );
}
