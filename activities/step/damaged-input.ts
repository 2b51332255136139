import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import { isFileRef, isItemsRef, type FileRef, type ItemRecord } from '../../domain/job.js';
import { damagedOutput } from '../../domain/engine/store/damaged-output.js';
import { contentFault } from '../../domain/engine/store/digest-cache.js';
import { itemRecordFault, linesOf } from '../../domain/engine/store/item-shapes.js';
import { readItems } from '../../domain/engine/store/items.js';
import { insideWork, relativeToWork } from '../../domain/engine/store/paths.js';
import type { ReadPart } from '../../domain/engine/store/read-part.js';
import { receiptsOf } from '../../domain/engine/store/receipts.js';
import type { EngineContext } from './engine-context.js';
import type { StepToPrepare } from './prepare-step.js';
import type { ReadParts } from './read-parts.js';
import type { GivenInput } from './resolve-with.js';

/** An output of an earlier step that a step reads. */
interface Made {
  /** Relative to the work folder. */
  path: string;
  digest: string;
  /** Key of its item, if it comes from a list of items. */
  item?: string;
}

/**
 * Returns OutputDamaged, with the error as its cause, if an output of an earlier step among the inputs, or an
 * output that a list among them names, was changed or deleted; otherwise the error itself. A missing bag may
 * have ended the step as a missing file, a changed one as a crash.
 */
export async function explainDamage(
  engine: Pick<EngineContext, 'digests'>,
  { inputs, parts }: { inputs: readonly GivenInput[]; parts: ReadParts },
  step: StepToPrepare,
  error: unknown,
): Promise<unknown> {
  try {
    for (const made of inputs.flatMap((input) => madeFiles(input, parts, step.work))) {
      const fault = await faultOf(engine, step, made);
      if (fault !== undefined)
        return damagedOutput(made.path, fault, { expected: made.digest, cause: error });
    }
    return error;
  } catch (other) {
    return other instanceof SamMilError && other.code === 'OutputDamaged' ? other : error;
  }
}

/**
 * Returns OutputDamaged if the error names a missing file that a stage of one item has made: such files, as
 * the slides of a cohort, are given by path. Otherwise returns the error itself.
 */
export async function explainMissing(work: string, error: unknown): Promise<unknown> {
  const file = error instanceof SamMilError && error.code === 'InvalidInput' ? error.facts.file : undefined;
  const path = file === undefined || existsSync(file) ? undefined : relativeToWork(work, file);
  if (path === undefined) return error;
  const [stage] = path.split('/');
  const receipts = await receiptsOf(work, { stage, item: stage }).catch(() => []);
  const made = receipts.some(({ receipt }) => Object.hasOwn(receipt.files, path));
  return made ? damagedOutput(path, 'missing', { cause: error }) : error;
}

/** @throws SamMilError OutputDamaged if a list of items was changed or deleted */
function madeFiles({ kind, value, place }: GivenInput, parts: ReadParts, work: string): Made[] {
  const part: ReadPart | undefined = parts[place.join('.')];
  const list = isItemsRef(value) ? value.items : kind === 'items' && isFileRef(value) ? value : undefined;
  if (list === undefined) return isFileRef(value) ? [ofRef(value)] : [];
  const records = part ? linesOf<ItemRecord>(part.text, itemRecordFault) : recordsOf(list, work);
  return [ofRef(list), ...listed(records, list, work)];
}

function ofRef({ path, digest }: FileRef): Made {
  return { path, digest };
}

function recordsOf({ path }: FileRef, work: string): ItemRecord[] {
  try {
    return readItems(insideWork(work, path));
  } catch {
    // The list itself is compared with its digest.
    return [];
  }
}

function listed(records: readonly ItemRecord[], { path }: FileRef, work: string): Made[] {
  const file = insideWork(work, path);
  return records.flatMap(({ key, outputs }) =>
    Object.values(outputs)
      .filter(isFileRef)
      .flatMap((ref) => {
        const absolute = isAbsolute(ref.path) ? ref.path : join(work, ref.path);
        const inside = relativeToWork(work, absolute);
        return inside === undefined
          ? []
          : [{ path: inside, digest: ref.digest, item: itemOf(key, file, absolute) }];
      }),
  );
}

/** Files beside their list have no items of their own in the stage that wrote them. */
function itemOf(key: string, list: string, file: string): string | undefined {
  return file.startsWith(`${dirname(list)}/`) ? undefined : key;
}

/** Content is read only if no receipt attests the file as it is now. */
async function faultOf(
  engine: Pick<EngineContext, 'digests'>,
  { work, item }: StepToPrepare,
  made: Made,
): Promise<'missing' | 'changed' | undefined> {
  const cache = engine.digests(work);
  const path = insideWork(work, made.path);
  if ((await cache.known(path)) === undefined) {
    const place = { stage: made.path.split('/')[0], item: made.item ?? item };
    const receipts = await receiptsOf(work, place).catch(() => []);
    for (const { receipt } of receipts) cache.rememberOutputs(receipt.files);
  }
  return contentFault(cache, path, made.digest);
}
