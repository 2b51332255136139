import { SamMilError } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import type { ValueSchema } from '../../activity-schema.js';
import { requireSchema } from '../../engine/language/check/require-schema.js';
import { checkRisks } from '../../statistics/survival/follow-up.js';

/** Follow-up and risks of the training patients of one fold, as its checkpoint stores them. */
export interface TrainingRisks {
  times: number[];
  /** 1: the event happened at the time. 0: censored. */
  events: number[];
  /** A patient's risk is the mean over its slides. */
  risks: number[];
}

const NUMBERS: ValueSchema = { type: 'array', items: { type: 'number' }, minItems: 1 };

/** {@link TrainingRisks} in a file. */
export const TRAINING_RISKS: ValueSchema = {
  type: 'object',
  properties: { times: NUMBERS, events: NUMBERS, risks: NUMBERS },
  required: ['times', 'events', 'risks'],
};

/**
 * The training patients that a checkpoint of survival states: from them follow the threshold between low and
 * high risk, the scale of log hazards, the baseline hazard and the censoring.
 * @throws SamMilError InvalidInput, CountMismatch naming the checkpoint
 */
export function storedRisks(training: JsonObject, file: string): TrainingRisks {
  const { survival } = training;
  const next = 'train the fold again with mil.train-fold';
  if (survival === undefined) {
    throw new SamMilError(
      'InvalidInput',
      'the checkpoint does not state the risks of its training patients',
      {
        file,
        next,
      },
    );
  }
  requireSchema(TRAINING_RISKS, survival, { file, what: 'invalid risks of the training patients', next });
  const stored = survival as unknown as TrainingRisks;
  try {
    checkRisks(stored, stored.risks);
  } catch (error) {
    throw error instanceof SamMilError ? error.at(file) : error;
  }
  return stored;
}
