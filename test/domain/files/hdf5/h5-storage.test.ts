import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createH5, openH5, withH5, writeH5 } from '../../../../domain/files/hdf5/h5.js';
import { readFeatures } from '../../../../domain/pathology/layouts/features-file.js';
import { expectError } from '../../../support/expect-error.js';
import { fixture } from '../../../support/fixtures.js';
import { scratchFolder } from '../../../support/scratch-folder.js';

const folder = scratchFolder();
const WAYS = ['contiguous', 'single', 'chunked', 'deflated', 'resizable', 'two-ways', 'limited'];

for (const version of ['earliest', 'latest']) {
  const path = fixture('formats', `stored_${version}.h5`);

  test(`datasets that were written as a whole are read, in every way of storage (${version})`, () => {
    withH5(path, (file) => {
      for (const way of WAYS) {
        assert.deepEqual(
          Array.from(file.read(`whole/${way}`), Number),
          Array.from({ length: 80 }, (_, i) => i),
        );
      }
      assert.ok(file.read('whole/many').every((value) => value === 1));
      assert.equal(file.read('whole/empty').length, 0, 'without rows, nothing is missing');
    });
  });

  test(`a dataset with a part that was never stored is refused by name (${version})`, () => {
    withH5(path, (file) => {
      for (const way of WAYS) {
        expectError('InvalidInput', [path, `"partly/${way}"`, 'never stored', 'again'], () =>
          file.read(`partly/${way}`),
        );
      }
    });
  });

  test(`damage to the structures of a file gives an error of sam-mil or other values (${version})`, () => {
    const damaged = join(folder, 'damaged.h5');
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at += 101) {
      const copy = Buffer.from(bytes);
      copy[at] ^= 0xff;
      writeFileSync(damaged, copy);
      try {
        withH5(damaged, (file) => file.read(`whole/${WAYS[at % WAYS.length]}`));
      } catch (error) {
        assert.equal((error as Error).constructor.name, 'SamMilError', String(error));
      }
    }
  });
}

test('a kilobyte that declares gigabytes is refused before memory is allocated', () => {
  const path = join(folder, 'huge.h5');
  const writer = createH5(path);
  writer.reserve('features', 'float32', [800_000, 1024], { resizable: true, chunks: [64, 1024] });
  writer.reserve('coords', 'int64', [800_000, 2], { resizable: true, chunks: [64, 2] });
  writer.close();
  assert.ok(readFileSync(path).length < 10_000);
  const before = process.memoryUsage().arrayBuffers;
  expectError('InvalidInput', [path, '12500 chunks', '0'], () => openH5(path).info('features'));
  expectError('InvalidInput', [path, 'never stored'], () => readFeatures(path));
  assert.ok(process.memoryUsage().arrayBuffers - before < 100e6);
});

test('a user block before the file does not change its addresses', () => {
  const path = join(folder, 'block.h5');
  copyFileSync(fixture('formats', 'stored_latest.h5'), path);
  // The base address of the superblock is 0, as when a block is put before an existing file.
  writeFileSync(path, Buffer.concat([Buffer.alloc(512), readFileSync(path)]));
  withH5(path, (file) => assert.equal(file.read('whole/chunked').length, 80));
});

test('values that expand to more than a hundred times the file are refused before they are read', () => {
  const path = join(folder, 'bomb.h5');
  const rows = 1 << 22;
  writeH5(path, (file) => {
    file.reserve('coords', 'int64', [0, 2], { resizable: true, chunks: [rows, 2], gzip: 1 });
    const zeros = new BigInt64Array(2 * rows);
    for (let i = 0; i < 5; i++) file.append('coords', zeros, rows);
    file.write('small', new Uint8Array(1 << 20), [1 << 20], { chunks: [1 << 20], gzip: 9 });
  });
  withH5(path, (file) => {
    expectError('InvalidInput', [path, '"coords"', '100 times', '320 MiB'], () => file.info('coords'));
    assert.equal(file.read('small').length, 1 << 20, 'a small dataset may be as sparse as it likes');
  });
});

for (const [name, size] of [
  ['have no size', 0n],
  ['are longer than the file', 2n ** 64n - 16n],
] as const) {
  test(`text attributes whose parts ${name} are refused without a word on stderr, although HDF5 would loop over them`, (context) => {
    const printed = context.mock.method(process.stderr, 'write', () => true);
    const path = join(folder, 'heap.h5');
    writeH5(path, (file) =>
      file.write('coords', Int32Array.of(0, 0), [1, 2], { attributes: { name: 'slide', path: '' } }),
    );
    const bytes = readFileSync(path);
    const heap = bytes.indexOf('GCOL');
    let at = heap + 16;
    // The last part, which has the number 0, is the free space.
    while (bytes.readUInt16LE(at) !== 0) at += 16 + Math.ceil(Number(bytes.readBigUInt64LE(at + 8)) / 8) * 8;
    bytes.writeBigUInt64LE(size, at + 8);
    writeFileSync(path, bytes);
    withH5(path, (file) =>
      expectError('InvalidInput', [path, '"coords"', 'variable length'], () => file.attributes('coords')),
    );
    assert.deepEqual(printed.mock.calls, []);
  });
}
