import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SplitWith } from '../../../../domain/mil/split/parameters.js';
import { inputFile, temporaryFolder, writeItems } from '../support.js';

/** Writes items and labels to a temporary folder and returns the parameters of a split. */
export function setUp(
  t: { after(done: () => void): void },
  keys: readonly string[],
  labels: string,
  options: Partial<SplitWith> = {},
): SplitWith {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'labels.csv'), labels);
  writeItems(
    join(folder, 'items.jsonl'),
    keys.map((key) => ({ key })),
  );
  return {
    bags: inputFile(join(folder, 'items.jsonl')),
    labels: inputFile(join(folder, 'labels.csv')),
    folds: 3,
    repeats: 1,
    seed: 2021,
    valRatio: 0,
    scheme: 'stratified',
    match: 'exact',
    unmatched: 'error',
    ...options,
  };
}

export const names = (n: number) => Array.from({ length: n }, (_, i) => `s${String(i).padStart(2, '0')}`);
export const alternating = (keys: readonly string[]) => keys.map((key, i) => `${key},${i % 2}`).join('\n');
