import { bagOutputs } from '../bags/bags.js';
import type { ReadingStep } from '../../engine/store/reading-step.js';
import { partOfItems, type ReadPart } from '../../engine/store/read-part.js';

/** A prediction reads the bags and the checkpoints of the finished items, and no picture or other output. */
export async function reads(step: ReadingStep): Promise<Record<string, ReadPart>> {
  const { parameters, inputs } = step;
  const part = async (place: string, what: string, outputs: readonly string[]) => {
    const records = await step.items(place);
    const done = records.filter(({ status }) => status === 'done');
    const chosen = new Map(done.map(({ key }) => [key, what] as const));
    return partOfItems(records, chosen, outputs, step.work);
  };
  return {
    bags: await part('bags', 'bag', bagOutputs(parameters.encoder as string | undefined)),
    ...(inputs.checkpoints && { checkpoints: await part('checkpoints', 'checkpoint', ['checkpoint']) }),
  };
}
