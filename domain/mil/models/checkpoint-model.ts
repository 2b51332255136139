import { isAbsolute, join } from 'node:path';
import { requireContent } from '../../engine/store/damaged-output.js';
import { readItems } from '../../engine/store/items.js';
import { readItems as readReferenced } from '../../engine/store/items-digest.js';
import {
  isFileRef,
  isItemsRef,
  type FileRef,
  type InputFile,
  type ItemRecord,
  type ItemsRef,
} from '../../job.js';
import type { JsonObject } from '../../json.js';
import { keyReader } from '../../machine/reader/reader-process.js';
import { readCheckpoint } from './checkpoint.js';

/** What a checkpoint states, without its weights. */
export interface CheckpointHead {
  model: string;
  training: JsonObject;
}

export function readHead(path: string): CheckpointHead & JsonObject {
  const { config, training } = readCheckpoint(path);
  return { model: config.model, training };
}

/** Heads by the digest of their checkpoint: every item of a stage may ask for the same few. */
const known = new Map<string, CheckpointHead>();
const KEPT = 1000;

/**
 * What a checkpoint states. It is read in a separate process, because the engine asks. Throws as
 * {@link readCheckpoint}, and OutputDamaged.
 */
export async function headOf({ path, digest }: Pick<InputFile, 'path' | 'digest'>): Promise<CheckpointHead> {
  const before = known.get(digest);
  if (before !== undefined) return before;
  requireContent(path, digest);
  const reading = { module: import.meta.url, name: 'readHead', file: path };
  const head = await keyReader.call<typeof readHead>(reading, path);
  if (known.size >= KEPT) known.clear();
  known.set(digest, head);
  return head;
}

/** Name of the model that a checkpoint holds. */
export async function modelOf(file: Pick<InputFile, 'path' | 'digest'>): Promise<string> {
  return (await headOf(file)).model;
}

/**
 * The same of finished trainings, each name once.
 * @param checkpoints a reference to the items of a stage, or the items file of an activity
 * @param work absolute path of the work folder, which the outputs' paths are relative to
 */
export async function modelsOf(checkpoints: ItemsRef | InputFile, work: string): Promise<string[]> {
  const records =
    'items' in checkpoints ? await readReferenced(work, checkpoints) : readItems(checkpoints.path);
  const models = new Set<string>();
  for (const { path, digest } of checkpointsIn(records)) {
    models.add(await modelOf({ path: isAbsolute(path) ? path : join(work, path), digest }));
  }
  return [...models];
}

/** Models of the activities that take either `checkpoint` or `checkpoints`; see `ActivityDefinition`. */
export async function modelsUsed(
  given: JsonObject,
  { checkpoint, checkpoints }: Readonly<Record<string, InputFile | undefined>>,
  work: string,
): Promise<string[]> {
  if (checkpoint !== undefined) return [await modelOf(checkpoint)];
  if (checkpoints === undefined) return [];
  return modelsOf(isItemsRef(given.checkpoints) ? given.checkpoints : checkpoints, work);
}

function checkpointsIn(records: readonly ItemRecord[]): FileRef[] {
  return records.flatMap(({ outputs }) => (isFileRef(outputs.checkpoint) ? [outputs.checkpoint] : []));
}
