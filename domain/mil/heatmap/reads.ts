import { isAbsolute, join } from 'node:path';
import type { ReadingStep } from '../../engine/store/reading-step.js';
import { partOfItems, type ReadPart } from '../../engine/store/read-part.js';
import { isFileRef, type ItemRecord } from '../../job.js';
import type { JsonObject } from '../../json.js';
import { partsOfFolders } from '../../pathology/annotations/outline-file.js';
import { headOf } from '../models/checkpoint-model.js';
import { partOfFold } from '../split/fold-part.js';
import { splitsOf } from '../split/known-splits.js';
import { findFold, type Fold, type Splits } from '../split/splits.js';
import { validationSet } from '../split/trained-slides.js';
import { testingFold } from './testing-fold.js';

/** What a heatmap reads of its inputs; of a folder of annotations, the file of the slide. */
export async function reads(step: ReadingStep): Promise<Record<string, ReadPart>> {
  return { ...(await partsOfTraining(step)), ...partsOfFolders(step, ['annotation']) };
}

/**
 * A heatmap reads one checkpoint and, of the splits, the slides of its training and the set of this slide.
 * What the step would refuse is left whole: it reports it when it runs.
 */
async function partsOfTraining(step: ReadingStep): Promise<Record<string, ReadPart>> {
  const { parameters, inputs, name } = step;
  if (inputs.splits === undefined || (inputs.checkpoint === undefined) === (inputs.checkpoints === undefined))
    return {};
  const splits = await splitsOf(inputs.splits);
  if (inputs.checkpoint !== undefined) {
    const { training } = await headOf(inputs.checkpoint);
    return partOfSplits(splits, training, name);
  }
  const repeat = parameters.repeat as number;
  const wanted = { repeat, fold: testingFold(splits, repeat, name) };
  for (const record of await step.items('checkpoints')) {
    const training = await trainingOf(record, step.work);
    if (training?.repeat !== repeat || training.fold !== wanted.fold) continue;
    const records = [record];
    return {
      checkpoints: partOfItems(records, new Map([[record.key, 'checkpoint']]), ['checkpoint'], step.work),
      ...partOfSplits(splits, training, name),
    };
  }
  return {};
}

async function trainingOf({ status, outputs }: ItemRecord, work: string): Promise<JsonObject | undefined> {
  const { checkpoint } = outputs;
  if (status !== 'done' || !isFileRef(checkpoint)) return undefined;
  const path = isAbsolute(checkpoint.path) ? checkpoint.path : join(work, checkpoint.path);
  return (await headOf({ path, digest: checkpoint.digest })).training;
}

function partOfSplits(splits: Splits, training: JsonObject, name: string): Record<string, ReadPart> {
  const { repeat, fold: number } = training;
  if (typeof repeat !== 'number' || typeof number !== 'number') return {};
  const fold = findFold(splits, repeat, number);
  return { splits: partOfFold(splits, { repeat, fold: number, slides: slidesOf(fold, training, name) }) };
}

function slidesOf(fold: Fold, training: JsonObject, name: string): Omit<Fold, 'fold'> {
  const validation = validationSet(training);
  const only = (keys: readonly string[]) => keys.filter((key) => key === name);
  return { train: fold.train, val: only(fold.val), test: only(fold.test), [validation]: fold[validation] };
}
