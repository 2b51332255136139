import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { definition as convert } from '../../../../activities/pathology/convert.js';
import { float16FromFloat32, float32FromFloat16 } from '../../../../domain/files/half-float.js';
import { readPtTensor } from '../../../../domain/files/torch/torch-pt.js';
import { loadBag } from '../../../../domain/mil/bags/bags.js';
import { run as runConvert } from '../../../../domain/pathology/convert/convert.js';
import type { ConvertWith } from '../../../../domain/pathology/convert/parameters.js';
import {
  createFeatures,
  openFeatures,
  readFeatures,
} from '../../../../domain/pathology/layouts/bag-files.js';
import { inputFile, jobFor } from '../../../support/activity-job.js';
import { extract, given } from '../../../support/extract-case.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const rounded = (values: Float32Array): Float32Array => float32FromFloat16(float16FromFloat32(values));

describe('store: float16', () => {
  test('rounds the features in h5 and pt files, group rows included', async (context) => {
    const one = await given(context);
    const wide = readFeatures((await extract(one, 'wide')).files.bag.from);
    const result = await extract({ ...one, parameters: { ...one.parameters, store: 'float16' } }, 'half');
    const reader = openFeatures(result.files.bag.from);
    assert.equal(reader.dtype, 'float16');
    reader.close();
    const bag = readFeatures(result.files.bag.from);
    assert.equal(bag.rows, 32);
    assert.deepEqual(bag.features, rounded(wide.features));
    assert.notDeepEqual(bag.features, wide.features);
    const tensor = readPtTensor(result.files['bag-pt'].from);
    assert.equal(tensor.dtype, 'float16');
    assert.deepEqual(tensor.data, float16FromFloat32(wide.features));
    const files = { features: result.files.bag.from, samInfo: result.files['sam-info'].from };
    assert.deepEqual(loadBag(files, { groupFeatures: true }).features, bag.features, 'training reads it');
  });

  test('takes half the space', async (context) => {
    const path = join(temporaryFolder(context), 'bag.h5');
    const size = (store: 'float32' | 'float16'): number => {
      const writer = createFeatures(path, 64, { rows: 5000, store });
      writer.append(new Float32Array(64 * 5000).fill(0.1), new Int32Array(2 * 5000));
      writer.close();
      return statSync(path).size;
    };
    const [wide, half] = [size('float32'), size('float16')];
    assert.ok(Math.abs(wide - half - 64 * 5000 * 2) < 4096, `${wide} and ${half} bytes`);
  });

  test('refuses values beyond 65504 by row and column', (context) => {
    const path = join(temporaryFolder(context), 'bag.h5');
    const writer = createFeatures(path, 3, { rows: 1, store: 'float16' });
    assert.throws(() => writer.append(Float32Array.of(0, 65504, -65520), Int32Array.of(1, 1)), {
      code: 'InvalidInput',
      message: /too large for float16.*expected values of at most 65504; found -65520 in row 0, column 2/,
    });
    writer.abort();
    assert.ok(!existsSync(path));
  });

  for (const [rows, dim] of [
    [0, 3],
    [1, 1],
    [3, 5],
    [7, 1536],
  ]) {
    test(`${rows} x ${dim} features in uneven blocks are read back whole and by rows`, (context) => {
      const path = join(temporaryFolder(context), 'bag.h5');
      const features = Float32Array.from({ length: rows * dim }, (_, i) => Math.sin(i) * 100);
      const writer = createFeatures(path, dim, { rows, store: 'float16' });
      for (let row = 0; row < rows; row++)
        writer.append(features.subarray(row * dim, (row + 1) * dim), Int32Array.of(row, row));
      writer.close();
      const reader = openFeatures(path);
      context.after(() => reader.close());
      assert.deepEqual([reader.rows, reader.dim, reader.dtype], [rows, dim, 'float16']);
      assert.deepEqual(reader.readRows(0, rows), rounded(features));
      if (rows > 1) assert.deepEqual(reader.readRows(1, 1), rounded(features.slice(dim, 2 * dim)));
    });
  }

  test('pathology.convert stores and reads it', async (context) => {
    const one = await given(context, { store: 'float16' });
    const source = await extract(one);
    const bag = readFeatures(source.files.bag.from);
    const parameters = {
      features: await inputFile(source.files.bag.from),
      'sam-info': await inputFile(source.files['sam-info'].from),
    };
    for (const store of ['float32', 'float16'] as const) {
      const job = jobFor<ConvertWith>(convert, { ...parameters, store }, join(one.folder, store));
      const result = await runConvert(job);
      const reader = openFeatures(result.files.bag.from);
      assert.equal(reader.dtype, store);
      reader.close();
      assert.deepEqual(readFeatures(result.files.bag.from).features, bag.features);
    }
  });
});
