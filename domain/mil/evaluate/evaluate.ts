import { SamMilError } from '../../errors.js';
import type { Job, JobResult } from '../../job.js';
import { evaluateExternal } from './evaluate-external.js';
import { evaluateFold } from './evaluate-fold.js';
import { ruleOf } from './fold-classes.js';
import type { EvaluateWith } from './parameters.js';

/** Scores predictions of another cohort, or the fold on which a checkpoint was trained. */
export async function run(job: Job<EvaluateWith>): Promise<JobResult> {
  const { checkpoint, bags, splits, predictions, threshold } = job.with;
  if (predictions !== undefined) return evaluateExternal(job, predictions);
  if (checkpoint === undefined || bags === undefined || splits === undefined) {
    throw new SamMilError('InvalidInput', 'set `checkpoint`, `bags` and `splits`, or `predictions`');
  }
  ruleOf(threshold);
  return evaluateFold({ ...job, with: { ...job.with, checkpoint, bags, splits } });
}
