import { SamMilError } from '../../errors.js';
import type { InputFile } from '../../job.js';
import type { JsonObject } from '../../json.js';
import { digestOfSlides } from './fold-part.js';
import type { Fold, SetName, Splits } from './splits.js';

/** Set that selects the epoch, as a checkpoint states it. */
export function validationSet(training: JsonObject): SetName {
  return training['validate-on'] === 'test' ? 'test' : 'val';
}

/** What a checkpoint states about the slides of its training, so that later steps can compare it. */
export function trainedSlides(splits: Splits, fold: Fold, validateOn: SetName): Record<string, string> {
  return {
    'training-slides': digestOfSlides(splits, fold.train),
    'validation-slides': digestOfSlides(splits, fold[validateOn]),
  };
}

/**
 * Rejects a checkpoint that was trained or validated on other slides than those of a fold, because its
 * training might have included the test slides.
 *
 * @param training what the checkpoint states about its training
 * @throws SamMilError InvalidInput naming both digests
 */
export function refuseOtherSlides(
  training: JsonObject,
  { splits, fold }: { splits: Splits; fold: Fold },
  checkpoint: Pick<InputFile, 'path'>,
): void {
  const expected = trainedSlides(splits, fold, validationSet(training));
  const other = Object.keys(expected).find(
    (name) => typeof training[name] === 'string' && training[name] !== expected[name],
  );
  if (other === undefined) return;
  throw new SamMilError('InvalidInput', 'the checkpoint was trained on different splits', {
    file: checkpoint.path,
    expected: `${other} ${expected[other]}`,
    found: `${other} ${training[other] as string}`,
    next: 'use the splits file of its training, or train again',
  });
}
