import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Names of the stages that have receipts in a work folder. */
export async function listFinishedStages(work) {
  const names = await readdir(join(work, '.receipts'));
  return names.filter((name) => !name.startsWith('.')).sort();
}
