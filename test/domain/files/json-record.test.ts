import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { objectOf, RecordKind } from '../../../domain/files/json-record.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const KIND = new RecordKind<{ kind: 1; count: number; note?: string }>(
  objectOf({ kind: { const: 1 }, count: { type: 'integer' } }, { note: { type: 'string' } }),
);

test('a record is read as it was written', (t) => {
  const path = join(temporaryFolder(t), 'record.json');
  writeFileSync(path, KIND.text({ kind: 1, count: 2, note: undefined }, 1));
  assert.deepEqual(KIND.readNow(path), { state: 'valid', value: { kind: 1, count: 2 } });
});

test('whatever is not a complete, unedited record is damaged, with the reason', async (t) => {
  const path = join(temporaryFolder(t), 'record.json');
  const text = KIND.text({ kind: 1, count: 2 });
  const damaged: [text: string, found: RegExp][] = [
    ['', /the file is empty/],
    ['null', /does not contain a JSON object/],
    ['[]', /does not contain a JSON object/],
    ['{}', /required property 'kind'/],
    [text.slice(0, -5), /JSON/],
    ['['.repeat(200_000), /./],
    [text.replace('"kind":1', '"kind":0'), /`kind` must be equal to constant/],
    [text.replace('"count":2', '"count":3'), /digest does not match/],
    [JSON.stringify({ kind: 1, count: 2 }), /digest does not match/],
  ];
  for (const [content, reason] of damaged) {
    writeFileSync(path, content);
    const found = await KIND.read(path);
    assert.ok(found.state === 'damaged', content.slice(0, 60));
    assert.match(found.found, reason);
    assert.deepEqual(KIND.readNow(path), found);
  }
});

test('a missing file is told from a folder in its place', async (t) => {
  const path = join(temporaryFolder(t), 'record.json');
  assert.deepEqual(await KIND.read(path), { state: 'missing' });
  assert.deepEqual(KIND.readNow(join(path, 'below')), { state: 'missing' });
  mkdirSync(path);
  assert.deepEqual(await KIND.read(path), { state: 'damaged', found: 'a folder instead of a file' });
});
