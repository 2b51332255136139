import { readCsv } from '../../../files/csv.js';
import { isFileRef, type ItemRecord } from '../../../job.js';
import { outputFile } from '../../output-refs.js';
import type { EvaluatedFold } from '../data/evaluated-fold.js';
import type { HistoryPoint, TrainingCurves } from '../data/report-data.js';
import type { StepFact } from '../data/step-facts.js';

/**
 * Reads the training histories of the evaluated checkpoints. A history belongs to an evaluation if one step
 * wrote it together with the checkpoint that the evaluation names by its digest.
 */
export async function readTraining(
  folds: readonly EvaluatedFold[],
  steps: readonly StepFact[],
  work: string,
): Promise<TrainingCurves[]> {
  const trained = new Map<string, StepFact>();
  for (const step of steps) {
    const { checkpoint, history } = step.receipt.outputs;
    if (isFileRef(checkpoint) && isFileRef(history)) trained.set(checkpoint.digest, step);
  }
  if (trained.size === 0) return [];
  const groups = new Map<string, TrainingCurves>();
  for (const { group, metrics } of folds) {
    const curves = groups.get(group) ?? { group, folds: [], missing: 0 };
    groups.set(group, curves);
    const history = await readHistory(trained.get(metrics.sources.checkpoint ?? ''), work);
    if (history === undefined) curves.missing++;
    else curves.folds.push({ cell: metrics.cell, history, epoch: metrics.selection.epoch });
  }
  return [...groups.values()].filter(({ folds: known }) => known.length > 0);
}

/** Undefined if there is none, or if it is damaged: the results do not depend on it. */
async function readHistory(step: StepFact | undefined, work: string): Promise<HistoryPoint[] | undefined> {
  if (step === undefined) return undefined;
  const item: ItemRecord = { key: step.item, fields: {}, status: 'done', outputs: step.receipt.outputs };
  try {
    const { absolute } = await outputFile(item, 'history', work);
    return readCsv(absolute, { header: true, required: ['epoch', 'loss'] }).rows.map(({ values }) => ({
      epoch: Number(values.epoch),
      loss: Number(values.loss),
      valLoss: optional(values.val_loss),
      valAuc: optional(values.val_auc),
      valConcordance: optional(values.val_concordance),
      valRmse: optional(values.val_rmse),
    }));
  } catch {
    return undefined;
  }
}

function optional(text: string | undefined): number | null {
  return text === undefined || text === '' || !Number.isFinite(Number(text)) ? null : Number(text);
}
