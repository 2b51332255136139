import { bagOutputs, requireBags } from '../bags/bags.js';
import type { ReadingStep } from '../../engine/store/reading-step.js';
import { partOfItems, type ReadPart } from '../../engine/store/read-part.js';
import { headOf } from '../models/checkpoint-model.js';
import { partOfFold, SET_TITLES } from '../split/fold-part.js';
import { splitsOf } from '../split/known-splits.js';
import { findFold, type SetName } from '../split/splits.js';
import { setsToScore } from './fold-to-score.js';

/**
 * An evaluation reads the fold on which its checkpoint was trained, and the bags that it scores. A checkpoint
 * that states no fold is refused when the step runs.
 */
export async function reads(step: ReadingStep): Promise<Record<string, ReadPart>> {
  const { parameters, inputs } = step;
  if (inputs.checkpoint === undefined) return {};
  const { training } = await headOf(inputs.checkpoint);
  const { repeat, fold: number } = training;
  if (typeof repeat !== 'number' || typeof number !== 'number') return {};
  const splits = await splitsOf(inputs.splits);
  const fold = findFold(splits, repeat, number);
  const { set, threshold, level } = parameters as { set: SetName; threshold: string; level?: string };
  const sets = setsToScore({ set, threshold }, splits.endpoint);
  const chosen = new Map(
    sets.flatMap((set) => fold[set].map((key) => [key, `${SET_TITLES[set]} bag`] as const)),
  );
  const encoder = parameters.encoder as string | undefined;
  const records = await step.items('bags');
  requireBags([...chosen.keys()], records, inputs);
  // Predictions of survival and regression state the patient of a slide.
  const grouped = level === 'patient' || splits.endpoint !== 'classification';
  const patientsOf = grouped ? [...chosen.keys()] : [];
  return {
    bags: partOfItems(records, chosen, bagOutputs(encoder), step.work),
    splits: partOfFold(splits, { repeat, fold: number, slides: fold, seed: true, patientsOf }),
  };
}
