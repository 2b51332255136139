import { bagOutputs, requireBags } from '../bags/bags.js';
import type { ReadingStep } from '../../engine/store/reading-step.js';
import { partOfItems, type ReadPart } from '../../engine/store/read-part.js';
import { partOfFold, SET_TITLES } from '../split/fold-part.js';
import { splitsOf } from '../split/known-splits.js';
import { findFold } from '../split/splits.js';

/**
 * A training reads the training and validation slides of its fold. To check a teacher it also reads which
 * slides the other sets have.
 */
export async function reads(step: ReadingStep): Promise<Record<string, ReadPart>> {
  const { parameters, inputs } = step;
  const [repeat, number] = [parameters.repeat as number, parameters.fold as number];
  const encoder = parameters.encoder as string | undefined;
  const validateOn = parameters['validate-on'] === 'test' ? 'test' : 'val';
  const splits = await splitsOf(inputs.splits);
  const fold = findFold(splits, repeat, number);
  const all = inputs.teacher !== undefined;
  const slides = {
    train: fold.train,
    val: all || validateOn === 'val' ? fold.val : [],
    test: all || validateOn === 'test' ? fold.test : [],
  };
  // Time bins and risks count each training patient of survival once.
  const patientsOf = [...(splits.endpoint === 'survival' ? fold.train : []), ...fold[validateOn]];
  const chosen = new Map([
    ...fold.train.map((key) => [key, `${SET_TITLES.train} bag`] as const),
    ...fold[validateOn].map((key) => [key, `${SET_TITLES.val} bag`] as const),
  ]);
  const records = await step.items('bags');
  requireBags([...chosen.keys()], records, inputs);
  return {
    bags: partOfItems(records, chosen, bagOutputs(encoder), step.work),
    splits: partOfFold(splits, { repeat, fold: number, slides, patientsOf }),
  };
}
