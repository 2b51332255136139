import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { linesOf, manifestLineFault } from '../../domain/engine/store/item-shapes.js';
import { executionFolder } from '../../domain/engine/store/paths.js';
import type { ListItemsInput, ManifestLine } from './stage-messages.js';

/** Name of the list of a stage's items in the folder of its execution. */
export const MANIFEST = 'manifest.jsonl';

/**
 * Returns the lines and the items that this run listed before but no longer finds. A slide on an unmounted
 * disk stays an item and fails by name, instead of being silently missing from a resumed run. The user can
 * skip it to continue without it.
 */
export async function withVanished(lines: ManifestLine[], input: ListItemsInput): Promise<ManifestLine[]> {
  const found = new Set(lines.map(({ key }) => key));
  const vanished = (await readLastList(input)).filter(({ key }) => !found.has(key));
  if (vanished.length === 0) return lines;
  const kept = vanished.map(({ key, fields }) => ({ key, fields }));
  return [...lines, ...kept].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Reads the newest intact list of this run's earlier executions of the stage; empty if there is none. */
async function readLastList({ work, run, stages, execution }: ListItemsInput): Promise<ManifestLine[]> {
  const executions = dirname(executionFolder(work, run, stages[0], execution));
  const names = await readdir(executions).catch(() => []);
  const lists = await Promise.all(
    names.map(async (name) => {
      const path = join(executions, name, MANIFEST);
      const stats = await stat(path).catch(() => undefined);
      return { path, time: stats?.mtimeMs ?? -1 };
    }),
  );
  for (const { path, time } of lists.sort((a, b) => b.time - a.time)) {
    const lines = time < 0 ? undefined : await readLines(path);
    if (lines !== undefined) return lines;
  }
  return [];
}

/** Undefined for a list that is damaged; an older one then counts. */
async function readLines(path: string): Promise<ManifestLine[] | undefined> {
  try {
    return linesOf<ManifestLine>(await readFile(path, 'utf8'), manifestLineFault);
  } catch {
    return undefined;
  }
}
