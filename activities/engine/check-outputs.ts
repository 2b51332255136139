import { SamMilError } from '../../domain/errors.js';
import { listOf, objectOf, shapeFault, TEXT } from '../../domain/files/json-record.js';
import { isFileRef, type FileRef, type ItemRecord } from '../../domain/job.js';
import type { StagePlan } from '../../domain/engine/language/plan/plan.js';
import { readReferencedText } from '../../domain/engine/store/damaged-output.js';
import { linesOf } from '../../domain/engine/store/item-shapes.js';
import { readItems } from '../../domain/engine/store/items-digest.js';
import { requireLease } from '../../domain/engine/store/lease.js';
import { insideWork, type Place } from '../../domain/engine/store/paths.js';
import type { Receipt } from '../../domain/engine/store/receipt-record.js';
import { checkOutputs, readReceipt } from '../../domain/engine/store/receipts.js';
import type { EngineContext } from '../step/engine-context.js';
import { outsideFault } from '../step/valid-receipt.js';
import { readPlan, stageOf } from '../step/plan-file.js';
import type { CheckOutputsInput, DamagedStage, EndedStage, UsedReceipts } from './stage-messages.js';

/** Number of items checked concurrently: file systems are slow, especially over a network. */
const TOGETHER = 16;
const SHOWN = 5;

/**
 * Compares the outputs of ended stages with the receipts that their results are based on. Content is read
 * only where the stamp of a file differs. Returns the stages with an output, or a list of items, that was
 * changed or deleted.
 * @throws the signal's reason; SamMilError Unavailable if the disk does not answer; as {@link requireLease}
 * if the run has lost its work folder
 */
export async function findDamage(
  engine: EngineContext,
  { work, lease, plan, stages }: CheckOutputsInput,
  signal: AbortSignal,
): Promise<DamagedStage[]> {
  const known = await readPlan(plan);
  const damaged: DamagedStage[] = [];
  for (const ended of stages) {
    const check = { engine, work, stage: stageOf(known, ended.stage), signal };
    const found = await damageOf(check, ended).catch((error: unknown) => listDamage(ended, error));
    if (found !== undefined) damaged.push(found);
  }
  if (damaged.length > 0) await requireLease(work, lease);
  return damaged;
}

interface StageCheck {
  engine: EngineContext;
  work: string;
  stage: StagePlan;
  signal: AbortSignal;
}

/** A list of items that is damaged; any other error is thrown again. */
function listDamage({ stage }: EndedStage, error: unknown): DamagedStage {
  if (!(error instanceof SamMilError) || error.code !== 'OutputDamaged') throw error;
  return { stage, items: 0, files: [error.facts.file ?? ''] };
}

async function damageOf(check: StageCheck, ended: EndedStage): Promise<DamagedStage | undefined> {
  const records = new Map((await readItems(check.work, ended.items)).map((record) => [record.key, record]));
  const used = await readUsed(check.work, ended.receipts);
  const files: string[] = [];
  for (let start = 0; start < used.length; start += TOGETHER) {
    check.signal.throwIfAborted();
    const together = used.slice(start, start + TOGETHER);
    const found = await Promise.all(together.map((item) => itemDamage(check, item, records.get(item.key))));
    files.push(...found.flatMap((file) => file ?? []));
  }
  const { stage } = ended;
  return files.length === 0 ? undefined : { stage, items: files.length, files: files.slice(0, SHOWN) };
}

const usedFault = shapeFault(objectOf({ key: TEXT, steps: listOf(TEXT) }));

async function readUsed(work: string, receipts: FileRef): Promise<UsedReceipts[]> {
  return linesOf<UsedReceipts>(await readReferencedText(work, receipts), usedFault);
}

/** The first damaged output of an item; undefined if all are intact. */
async function itemDamage(
  check: StageCheck,
  { key, steps }: UsedReceipts,
  record: ItemRecord | undefined,
): Promise<string | undefined> {
  const attested: Receipt['files'] = {};
  for (const id of steps) {
    const place = { stage: check.stage.name, item: key, step: id };
    const receipt = await readReceipt(check.work, place);
    if (receipt === undefined) continue;
    const fault = await receiptDamage(check, place, receipt);
    if (fault !== undefined) return fault;
    Object.assign(attested, receipt.files);
  }
  // Without its receipt, an output is compared with the reference that later stages have.
  const refs = Object.values(record?.outputs ?? {}).filter(isFileRef);
  for (const ref of refs) {
    if (attested[ref.path]?.digest !== ref.digest && !(await isIntact(check, ref))) return ref.path;
  }
  return undefined;
}

async function receiptDamage(
  { engine, work, stage }: StageCheck,
  place: Place,
  receipt: Receipt,
): Promise<string | undefined> {
  const cache = engine.digests(work);
  const { fault, files } = await checkOutputs(work, receipt, (path) => cache.digest(path));
  if (fault !== undefined) return fault.path;
  cache.rememberOutputs(files);
  const uses = stage.steps.find(({ id }) => id === place.step)?.uses ?? '';
  const definition = engine.registry.get(uses);
  return definition && outsideFault(definition, work, receipt, cache);
}

async function isIntact({ engine, work }: StageCheck, { path, digest }: FileRef): Promise<boolean> {
  const found = await engine
    .digests(work)
    .digest(insideWork(work, path))
    .catch((error: unknown) => {
      // A disk that does not answer says nothing about the file.
      if (error instanceof SamMilError && error.code === 'Unavailable') throw error;
      return undefined;
    });
  return found === digest;
}
