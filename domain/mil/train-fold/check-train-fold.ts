import { SamMilError } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import { camelCase } from '../../parameters.js';
import { readSplits, type Splits } from '../split/splits.js';
import { headSettings, refuseOtherLoss, type GivenHead, type HeadSettings } from './head-settings.js';
import { trainingTarget } from './training-target.js';

/** What is known of the step; see `StepToCheck` of the activities. */
interface KnownTraining {
  readonly with: JsonObject;
  readonly unknown: ReadonlySet<string>;
}

interface Findings {
  warnings?: string[];
}

/**
 * Checks the loss and its parameters: against each other, and, if the splits exist already, against their
 * endpoint and the training patients of each fold.
 *
 * @throws SamMilError as `mil.train-fold` itself
 */
export function checkTrainFold({ with: given, unknown }: KnownTraining): Findings {
  const settings = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [camelCase(name), value]),
  ) as GivenHead;
  if (settings.loss !== undefined) refuseOtherLoss(settings.loss, settings);
  if (unknown.has('splits') || typeof given.splits !== 'string') return {};
  const splits = readSplits(given.splits);
  const head = headSettings(splits.endpoint, settings);
  return { warnings: [...new Set(checkFolds(splits, head, given))] };
}

/** Fits the target of the folds that the step can be. */
function checkFolds(splits: Splits, head: HeadSettings, given: JsonObject): string[] {
  const warnings: string[] = [];
  for (const { repeat, folds } of splits.repeats) {
    if (typeof given.repeat === 'number' && given.repeat !== repeat) continue;
    for (const fold of folds) {
      if (typeof given.fold === 'number' && given.fold !== fold.fold) continue;
      try {
        trainingTarget(splits, fold, head, (message) => warnings.push(message));
      } catch (error) {
        throw error instanceof SamMilError ? error.at(`repeat ${repeat}, fold ${fold.fold}`) : error;
      }
    }
  }
  return warnings;
}
