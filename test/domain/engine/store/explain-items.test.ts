import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../../../../domain/digest.js';
import { itemsDifference } from '../../../../domain/engine/store/explain-items.js';
import { digestOfItems } from '../../../../domain/engine/store/items-digest.js';
import type { ItemsRef } from '../../../../domain/job.js';
import { jsonLines } from '../../../../domain/json.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

/** Writes a list of items as a stage of a run does. */
function writeItems(work: string, run: string, bags: Record<string, string>): ItemsRef {
  const path = `.runs/${run}/stages/bags/e1/items.jsonl`;
  const records = Object.entries(bags).map(([key, text]) => {
    const bag = { path: `bags/${key}.h5`, digest: digestOf(text), bytes: 1 };
    return { key, fields: {}, status: 'done', outputs: { bag } };
  });
  const lines = jsonLines(records);
  mkdirSync(dirname(join(work, path)), { recursive: true });
  writeFileSync(join(work, path), lines);
  return { items: { path, digest: digestOf(lines), bytes: 1 }, count: records.length };
}

test('items that differ from those that a step has read are named', async (context) => {
  const work = temporaryFolder(context);
  const before = writeItems(work, 'old', { a: '1', b: '1', c: '1' });
  const digest = await digestOfItems(work, before);
  const differ = (bags: Record<string, string>) =>
    itemsDifference(work, 'old', digest, writeItems(work, 'new', bags));
  assert.equal(await differ({ a: '1', b: '2', c: '1' }), 'b has different content');
  assert.equal(await differ({ a: '1', c: '1', d: '1' }), 'b was removed, d is new');
  assert.equal(
    await differ({ a: '2', b: '2', c: '2', d: '2', e: '2' }),
    'a has different content, b has different content, c has different content and 2 more',
  );
  assert.equal(await itemsDifference(work, 'gone', digest, before), undefined, 'the record was deleted');
});
