import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Names of the stages that have receipts in a work folder. */
export async function listFinishedStages(work) {
  return (await readdir(join(work, '.receipts'))).sort();
}
