import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { digestOfFile } from '../../domain/digest.js';
import { readDefinition } from '../../domain/engine/language/check/read-definition.js';
import { DigestCache, digestOfInput } from '../../domain/engine/store/digest-cache.js';
import { readItems } from '../../domain/engine/store/items.js';
import { SamMilError } from '../../domain/errors.js';
import { readCsv } from '../../domain/files/csv.js';
import { FileBytes } from '../../domain/files/file-bytes.js';
import { openH5 } from '../../domain/files/hdf5/h5.js';
import { readJson } from '../../domain/files/read-json.js';
import { readAnnotation } from '../../domain/pathology/annotations/read-annotation.js';
import { openSlide } from '../../domain/pathology/slides/open.js';
import { companionFiles } from '../../domain/pathology/slides/slide-files.js';
import { openRegular, readRegular } from '../../domain/regular-file.js';
import { expectError } from '../support/expect-error.js';
import { scratchFolder } from '../support/scratch-folder.js';

const folder = scratchFolder();
const windows = process.platform === 'win32' && 'Windows has no named pipes in folders';
const LIMIT = { bytes: 1 << 20, next: 'check the file' };

function pipe(name: string): string {
  const path = join(folder, name);
  execFileSync('mkfifo', [path]);
  return path;
}

/** Each opens an input in the process that calls it. A pipe without a writer would block it forever. */
const READERS: Readonly<Record<string, (path: string) => unknown>> = {
  'table.csv': (path) => readCsv(path),
  'table.csv.gz': (path) => readCsv(path),
  'splits.json': (path) => readJson(path, 'splits file'),
  'features.h5': (path) => openH5(path),
  'features.pt': (path) => new FileBytes(path),
  'slide.svs': (path) => openSlide(path),
  'slide.vms': (path) => companionFiles(path),
  'slide.dcm': (path) => companionFiles(path),
  'outlines.xml': (path) => readAnnotation(path, [0, 0]),
  'items.jsonl': (path) => readItems(path),
  'encoder.yaml': (path) =>
    readDefinition(path, 'encoder file', () => {
      throw new Error('was read');
    }),
};

test('no reader waits for a named pipe', { skip: windows }, () => {
  for (const [name, read] of Object.entries(READERS)) {
    const path = pipe(name);
    expectError('InvalidInput', [path, 'regular file', 'named pipe'], () => read(path));
  }
});

test('a named pipe is not digested, alone, below a link or in a folder', { skip: windows }, async () => {
  const inside = join(folder, 'series');
  mkdirSync(inside);
  const path = pipe('series/a.dcm');
  const link = join(folder, 'link.svs');
  symlinkSync(path, link);
  const refusal = { code: 'InvalidInput', message: /regular file.*named pipe/s };
  const cache = new DigestCache(folder);
  await assert.rejects(digestOfFile(path), refusal);
  await assert.rejects(cache.digest(path), refusal);
  for (const input of [path, link, inside]) await assert.rejects(digestOfInput(cache, input), refusal);
});

test('devices and sockets are not files', { skip: windows }, async () => {
  expectError('InvalidInput', ['/dev/zero', 'a device'], () => openRegular('/dev/zero'));
  await assert.rejects(digestOfFile('/dev/zero'), { code: 'InvalidInput', message: /a device/ });
  const path = join(folder, 'socket');
  const server = createServer().listen(path);
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    expectError('InvalidInput', [path, 'socket'], () => openRegular(path));
  } finally {
    server.close();
  }
});

test('a file without a size, as in /proc, is empty', { skip: process.platform !== 'linux' }, async () => {
  assert.equal(readRegular('/proc/self/maps', LIMIT).length, 0);
  const empty = join(folder, 'empty');
  writeFileSync(empty, '');
  assert.equal(await digestOfFile('/proc/self/maps'), await digestOfFile(empty));
});

test('a file over the limit is refused with the limit and its size', () => {
  const path = join(folder, 'large');
  writeFileSync(path, Buffer.alloc((1 << 20) + 1));
  expectError('InvalidInput', [path, 'at most 1 MiB', '1048577 bytes', 'check the file'], () =>
    readRegular(path, LIMIT),
  );
});

test('a table over the limit is refused, before and after unpacking, and says how to raise it', (context) => {
  const before = process.env.SAM_MIL_TABLE_MIB;
  context.after(() => {
    if (before === undefined) delete process.env.SAM_MIL_TABLE_MIB;
    else process.env.SAM_MIL_TABLE_MIB = before;
  });
  const text = Buffer.from(`slide_id,label\n${'a,1\n'.repeat(400_000)}`);
  const [plain, packed] = [join(folder, 'plain.csv'), join(folder, 'packed.csv.gz')];
  writeFileSync(plain, text);
  writeFileSync(packed, gzipSync(text));
  process.env.SAM_MIL_TABLE_MIB = '1';
  expectError('InvalidInput', [plain, 'at most 1 MiB', 'SAM_MIL_TABLE_MIB'], () => readCsv(plain));
  expectError('InvalidInput', [packed, 'after unpacking', 'SAM_MIL_TABLE_MIB'], () => readCsv(packed));
  process.env.SAM_MIL_TABLE_MIB = '2';
  assert.equal(readCsv(packed).rows.length, 400_000);
  process.env.SAM_MIL_TABLE_MIB = 'much';
  assert.equal(readCsv(plain).rows.length, 400_000, 'an unusable value leaves the default');
});

test('the errors of the file system are passed on', () => {
  assert.throws(
    () => openRegular(join(folder, 'none')),
    (error: unknown) => !(error instanceof SamMilError) && (error as NodeJS.ErrnoException).code === 'ENOENT',
  );
});
