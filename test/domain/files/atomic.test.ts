import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AtomicFile } from '../../../domain/files/atomic-file.js';
import { asWriteError, fsyncPath, writeAtomic } from '../../../domain/files/atomic.js';
import { crc32, crc32InScript } from '../../../domain/files/crc32.js';
import { withFileBytes } from '../../../domain/files/file-bytes.js';
import { SamMilError } from '../../../domain/errors.js';
import { expectError } from '../../support/expect-error.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const folder = scratchFolder();

test('a file is replaced atomically, and no temporary file remains', () => {
  const path = join(folder, 'a.txt');
  writeAtomic(path, 'first');
  const { ino } = statSync(path);
  writeAtomic(path, Uint8Array.of(1, 2, 3));
  assert.deepEqual([...readFileSync(path)], [1, 2, 3]);
  assert.notEqual(statSync(path).ino, ino, 'the old file was not overwritten in place');
  assert.deepEqual(readdirSync(folder), ['a.txt']);
});

test('a failed write is reported and leaves no file', () => {
  expectError('InvalidInput', ['gone', 'ENOENT'], () => writeAtomic(join(folder, 'gone', 'a.txt'), 'x'));
  mkdirSync(join(folder, 'taken'));
  expectError('InvalidInput', ['taken', 'EISDIR'], () => writeAtomic(join(folder, 'taken'), 'x'));
  expectError('InvalidInput', ['ENOTDIR', 'choose another folder'], () =>
    writeAtomic(join(folder, 'a.txt', 'b.txt'), 'x'),
  );
  assert.deepEqual(readdirSync(folder).sort(), ['a.txt', 'taken']);
});

test('a full disk is a retryable error', () => {
  const error = asWriteError(Object.assign(new Error('no space'), { code: 'ENOSPC' }), 'x.h5');
  assert.ok(error instanceof SamMilError);
  assert.equal(error.code, 'DiskFull');
  assert.equal(error.retryable, true);
  const other = new Error('something else');
  assert.equal(asWriteError(other, 'x.h5'), other);
});

test('a file can be written in pieces and patched later', () => {
  const path = join(folder, 'pieces.bin');
  const file = new AtomicFile(path);
  file.append(Uint8Array.of(0, 0));
  file.append(Uint8Array.of(3, 4));
  assert.equal(file.offset, 4);
  file.patch(Uint8Array.of(1, 2), 0);
  file.commit();
  assert.deepEqual([...readFileSync(path)], [1, 2, 3, 4]);
  const dropped = new AtomicFile(join(folder, 'dropped.bin'));
  dropped.append(Uint8Array.of(1));
  dropped.abort();
  assert.ok(!readdirSync(folder).some((name) => name.includes('dropped')));
});

test('files and folders can be flushed', () => {
  fsyncPath(folder);
  assert.throws(() => fsyncPath(join(folder, 'gone')), { code: 'ENOENT' });
});

test('reads beyond the end of a file are rejected before memory is allocated', () => {
  const path = join(folder, 'a.txt');
  withFileBytes(path, (file) => {
    assert.deepEqual([...file.read(1, 2)], [2, 3]);
    for (const [offset, length] of [
      [0, 4],
      [4, 0],
      [-1, 1],
      [0, 2 ** 52],
      [NaN, 1],
    ]) {
      expectError('InvalidInput', ['a.txt', '3 bytes in all'], () => file.read(offset, length));
    }
  });
});

test('the native and the script checksum agree', () => {
  const bytes = Buffer.from('123456789');
  assert.equal(crc32InScript(bytes), 0xcbf43926);
  assert.equal(crc32(bytes), 0xcbf43926);
  assert.equal(crc32(new Uint8Array(0), 0xcbf43926), 0xcbf43926, 'an empty piece changes nothing');
  assert.equal(crc32InScript(bytes.subarray(4), crc32InScript(bytes.subarray(0, 4))), 0xcbf43926);
});
