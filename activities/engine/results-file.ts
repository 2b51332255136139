import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonLines, parseJsonLines } from '../../domain/json.js';
import { writeDurably } from '../../domain/files/durable-file.js';
import { executionFolder } from '../../domain/engine/store/paths.js';
import type { ItemResult } from '../../domain/engine/item/item-result.js';
import type { ChainScope } from './stage-messages.js';

/** Writes results under a unique name: a repeated write, after a lost answer, replaces them. */
export async function writeResults(
  scope: ChainScope,
  stage: string,
  name: string,
  results: ItemResult[],
): Promise<void> {
  if (results.length === 0) return;
  await writeDurably(scope.work, join(resultsFolder(scope, stage), `${name}.jsonl`), jsonLines(results));
}

/** Reads all results of a stage in this execution, sorted by index in the manifest. */
export async function readResults(scope: ChainScope, stage: string): Promise<ItemResult[]> {
  const folder = resultsFolder(scope, stage);
  const names = await readdir(folder).catch(() => []);
  const byIndex = new Map<number, ItemResult>();
  for (const name of names.filter((candidate) => candidate.endsWith('.jsonl')).sort()) {
    const results = parseJsonLines(await readFile(join(folder, name), 'utf8')) as ItemResult[];
    for (const result of results) byIndex.set(result.index, result);
  }
  return [...byIndex.values()].sort((a, b) => a.index - b.index);
}

function resultsFolder({ work, run, execution }: ChainScope, stage: string): string {
  return join(executionFolder(work, run, stage, execution), 'results');
}
