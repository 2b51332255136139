import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../domain/digest.js';
import { DIGEST, objectOf, RecordKind } from '../../domain/files/json-record.js';
import { jsonLines } from '../../domain/json.js';
import { writeDurably } from '../../domain/files/durable-file.js';
import { damagedOutput } from '../../domain/engine/store/damaged-output.js';
import { itemResultFault, linesOf } from '../../domain/engine/store/item-shapes.js';
import { executionFolder, relativeToWork } from '../../domain/engine/store/paths.js';
import type { ItemResult } from '../../domain/engine/item/item-result.js';
import type { ChainScope } from './stage-messages.js';

/** The first line of a results file. The digest is that of all other lines. */
const HEADER = new RecordKind<{ results: 1; digest: string }>(
  objectOf({ results: { const: 1 }, digest: DIGEST }),
);

/** Writes results under a unique name: a repeated write, after a lost answer, replaces them. */
export async function writeResults(
  scope: ChainScope,
  stage: string,
  name: string,
  results: ItemResult[],
): Promise<void> {
  if (results.length === 0) return;
  const lines = jsonLines(results);
  const header = HEADER.text({ results: 1, digest: digestOf(lines) });
  await writeDurably(scope.work, join(resultsFolder(scope, stage), `${name}.jsonl`), header + lines);
}

/**
 * Reads all results of a stage in this execution, sorted by index in the manifest.
 * @throws SamMilError OutputDamaged naming a file that was changed
 */
export async function readResults(scope: ChainScope, stage: string): Promise<ItemResult[]> {
  const folder = resultsFolder(scope, stage);
  const names = await readdir(folder).catch(() => []);
  const byIndex = new Map<number, ItemResult>();
  for (const name of names.filter((candidate) => candidate.endsWith('.jsonl')).sort()) {
    const file = join(folder, name);
    for (const result of await readOne(file, relativeToWork(scope.work, file) ?? file))
      byIndex.set(result.index, result);
  }
  return [...byIndex.values()].sort((a, b) => a.index - b.index);
}

/** Folder of the results of a stage, relative to the work folder: for messages. */
export function resultsPlace(scope: ChainScope, stage: string): string {
  return relativeToWork(scope.work, resultsFolder(scope, stage)) ?? '';
}

async function readOne(file: string, shown: string): Promise<ItemResult[]> {
  try {
    const text = await readFile(file, 'utf8');
    const end = text.indexOf('\n') + 1;
    const header = HEADER.parse(text.slice(0, end));
    const lines = text.slice(end);
    if (header.state === 'valid' && header.value.digest === digestOf(lines))
      return linesOf<ItemResult>(lines, itemResultFault);
  } catch (cause) {
    throw damagedOutput(shown, 'changed', { cause });
  }
  throw damagedOutput(shown, 'changed');
}

function resultsFolder({ work, run, execution }: ChainScope, stage: string): string {
  return join(executionFolder(work, run, stage, execution), 'results');
}
