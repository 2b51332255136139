import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ItemRecord } from '../../../../domain/job.js';
import type { LabelOptions } from '../../../../domain/mil/labels/label-table.js';
import { readLabels } from '../../../../domain/mil/labels/labels.js';
import { temporaryFolder } from '../support.js';

/** Writes a table and reads it. */
export function reader(
  t: TestContext,
): (rows: readonly string[], options?: LabelOptions) => ReturnType<typeof readLabels> {
  const file = join(temporaryFolder(t), 'labels.csv');
  return (rows, options) => {
    writeFileSync(file, `${rows.join('\n')}\n`);
    return readLabels(file, options);
  };
}

export function items(...keys: string[]): ItemRecord[] {
  return keys.map((key) => ({ key, fields: {}, status: 'done', outputs: {} }));
}
