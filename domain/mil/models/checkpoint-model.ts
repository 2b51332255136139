import { isAbsolute, join } from 'node:path';
import { readItems } from '../../engine/store/items.js';
import { readItems as readReferenced } from '../../engine/store/items-digest.js';
import { isFileRef, type FileRef, type InputFile, type ItemRecord, type ItemsRef } from '../../job.js';
import { readCheckpoint } from './checkpoint.js';

/** Names of models by the digest of their checkpoint: every item of a stage may ask for the same few. */
const known = new Map<string, string>();
const KEPT = 1000;

/** Name of the model that a checkpoint holds. Throws as {@link readCheckpoint}. */
export function modelOf({ path, digest }: Pick<InputFile, 'path' | 'digest'>): string {
  const before = known.get(digest);
  if (before !== undefined) return before;
  const { model } = readCheckpoint(path).config;
  if (known.size >= KEPT) known.clear();
  known.set(digest, model);
  return model;
}

/**
 * The same of finished trainings, each name once.
 * @param checkpoints a reference to the items of a stage, or the items file of an activity
 * @param work absolute path of the work folder, which the outputs' paths are relative to
 */
export async function modelsOf(checkpoints: ItemsRef | InputFile, work: string): Promise<string[]> {
  const records =
    'items' in checkpoints ? await readReferenced(work, checkpoints) : readItems(checkpoints.path);
  const models = checkpointsIn(records).map(({ path, digest }) =>
    modelOf({ path: isAbsolute(path) ? path : join(work, path), digest }),
  );
  return [...new Set(models)];
}

function checkpointsIn(records: readonly ItemRecord[]): FileRef[] {
  return records.flatMap(({ outputs }) => (isFileRef(outputs.checkpoint) ? [outputs.checkpoint] : []));
}
