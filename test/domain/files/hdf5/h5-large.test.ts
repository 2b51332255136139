import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { withH5, writeH5 } from '../../../../domain/files/hdf5/h5.js';
import { hdf5 } from '../../../../domain/files/hdf5/h5-library.js';
import { RandomStream } from '../../../../domain/random.js';
import { fixture } from '../../../support/fixtures.js';
import { scratchFolder } from '../../../support/scratch-folder.js';

const folder = scratchFolder();

describe('large arrays that are passed between file and caller without a copy in the library', () => {
  const rows = 3000;
  const wide = 1000;
  const values = Float32Array.from({ length: rows * wide }, (_, index) => index);

  test('are read as a whole, by rows from any start, and along the second axis of 1 x N x D', () => {
    const path = join(folder, 'large.h5');
    writeH5(path, (file) => {
      file.reserve('rows', 'float32', [rows, wide]);
      for (let row = 0; row < rows; row += 700) {
        const part = values.subarray(row * wide, Math.min(row + 700, rows) * wide);
        file.fill('rows', part, row);
      }
      file.write('stacked', values, [1, rows, wide]);
    });
    withH5(path, (file) => {
      assert.deepEqual(file.read('rows'), values);
      const some = values.slice(17 * wide, 2901 * wide);
      assert.deepEqual(file.readRows('rows', 17, 2884), some);
      assert.deepEqual(file.readRows('stacked', 17, 2884, 1), some);
    });
  });

  test('are read through the library if chunked, compressed or not', () => {
    const path = join(folder, 'chunks.h5');
    const layouts = { plain: {}, packed: { gzip: 1 } };
    writeH5(path, (file) => {
      for (const [name, layout] of Object.entries(layouts)) {
        // The pieces cover whole chunks and parts of chunks.
        file.reserve(name, 'float32', [rows, wide], { chunks: [512, wide], ...layout });
        for (const [from, to] of [
          [100, 1300],
          [0, 100],
          [1300, rows],
        ])
          file.fill(name, values.subarray(from * wide, to * wide), from);
      }
    });
    withH5(path, (file) => {
      for (const name of Object.keys(layouts)) {
        assert.deepEqual(file.read(name), values, name);
        assert.deepEqual(file.readRows(name, 500, 1500), values.slice(500 * wide, 2000 * wide), name);
      }
    });
  });

  test('compressed data has the same bits whatever the memory contained before', () => {
    const random = new RandomStream('what was there before');
    const regular = Uint8Array.from({ length: rows * wide }, (_, index) => (index >> 4) & 255);
    const bytesOf = (name: string): Buffer => {
      // Leaves data in the memory that the next call receives.
      writeH5(join(folder, 'noise.h5'), (file) => {
        const noise = Uint8Array.from({ length: rows * wide }, () => random.uniform() * 256);
        file.write('noise', noise, [rows, wide], { chunks: [256, wide] });
      });
      writeH5(join(folder, name), (file) => {
        file.write('packed', regular, [rows, wide], { chunks: [256, wide], gzip: 4 });
        file.write('after', regular.subarray(0, wide), [wide]);
      });
      return readFileSync(join(folder, name));
    };
    assert.ok(bytesOf('first.h5').equals(bytesOf('second.h5')));
  });

  test('are read once per chunk', (context) => {
    const path = join(folder, 'once.h5');
    writeH5(path, (file) => file.write('packed', values, [rows, wide], { chunks: [500, wide], gzip: 1 }));
    const calls = context.mock.method(hdf5, 'get_dataset_data').mock;
    withH5(path, (file) => assert.deepEqual(file.readRows('packed', 0, 1000), values.slice(0, 1000 * wide)));
    assert.equal(calls.callCount(), 1);
  });

  test('are converted from another byte order', () => {
    const path = join(folder, 'big-endian.h5');
    writeFileSync(path, gunzipSync(readFileSync(fixture('formats', 'big_endian.h5.gz'))));
    withH5(path, (file) => {
      assert.deepEqual(file.info('x'), { dtype: 'float32', shape: [500, 100] });
      const read = file.readFloat32('x');
      assert.ok(read.byteLength > 128 << 10, 'large enough to be passed through');
      assert.deepEqual(
        Array.from(read),
        Array.from({ length: 50_000 }, (_, index) => (index % 100 === 0 ? index / 100 : 0)),
      );
    });
  });
});
