import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readSource } from '../../../activities/engine/read-source.js';
import { definition as convert } from '../../../activities/pathology/convert.js';
import { definition as patch } from '../../../activities/pathology/patch.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const folder = scratchFolder();
const read = (kind: 'csv' | 'glob' | 'dir', value: string) =>
  readSource({ kind, value, as: 'item' }, value, folder, folder);

function setVariable(context: TestContext, name: string, value: string): void {
  const before = process.env[name];
  process.env[name] = value;
  context.after(() => {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  });
}

function packedTable(name: string, rows: number): string {
  const path = join(folder, name);
  const lines = Array.from({ length: rows }, (_, i) => `s${i},1,tbp\n`);
  writeFileSync(path, gzipSync(`slide_id,process,status\n${lines.join('')}`));
  return path;
}

test('a source gives the items with their fields, and refusals name the file', async () => {
  writeFileSync(join(folder, 'a.svs'), 'x');
  writeFileSync(join(folder, 'table.csv'), 'name,path\na,a.svs\n');
  const path = join(folder, 'a.svs');
  const place = `${join(folder, 'table.csv')}:2`;
  assert.deepEqual(await read('csv', 'table.csv'), [{ fields: { name: 'a', path }, place, paths: ['path'] }]);
  assert.deepEqual(await read('glob', '*.svs'), [{ fields: { name: 'a', path }, place: path }]);
  await assert.rejects(read('csv', 'none.csv'), {
    code: 'InvalidInput',
    message: /none\.csv: does not exist/,
  });
  await assert.rejects(read('dir', 'none'), { code: 'InvalidInput', message: /none: .*has no items/ });
});

test('a named pipe as a source is refused', { skip: process.platform === 'win32' }, async () => {
  execFileSync('mkfifo', [join(folder, 'pipe.csv')]);
  await assert.rejects(read('csv', 'pipe.csv'), { code: 'InvalidInput', message: /pipe\.csv: .*named pipe/ });
});

test('a source that unpacks to more than the limit, or needs too much memory, is refused', async (context) => {
  const path = packedTable('rows.csv.gz', 200_000);
  setVariable(context, 'SAM_MIL_TABLE_MIB', '1');
  await assert.rejects(read('csv', path), {
    code: 'InvalidInput',
    message: /rows\.csv\.gz: .*1 MiB.*unpack/,
  });
  setVariable(context, 'SAM_MIL_TABLE_MIB', '64');
  setVariable(context, 'SAM_MIL_READ_MIB', '32');
  await assert.rejects(read('csv', path), {
    code: 'InvalidInput',
    message: /rows\.csv\.gz: .*32 MiB.*SAM_MIL_READ_MIB/,
  });
});

test('the key of a step whose process list cannot be read has the digest of the list', async (context) => {
  setVariable(context, 'SAM_MIL_TABLE_MIB', '1');
  const list = { path: packedTable('list.csv.gz', 200_000), digest: 'sha256:1', name: 'list' };
  const file = { path: join(folder, 's1.svs'), digest: 'sha256:2', name: 's1' };
  const hidden = { 'process-list': { digest: 'sha256:1' } };
  const inputs = { slide: file, 'process-list': list };
  assert.deepEqual(await patch.hiddenInputs?.({ preset: 'default' }, inputs), hidden);
  assert.deepEqual(await convert.hiddenInputs?.({}, { features: file, 'process-list': list }), hidden);
});
