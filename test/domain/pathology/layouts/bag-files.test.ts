import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  createFeatures,
  openFeatures,
  readFeatureRows,
  readFeatures,
  readMask,
  readPatches,
  readSamInfo,
  readSegFile,
  readStitch,
  type TissueMask,
  writeFeatures,
  writeMask,
  writePatches,
  writeSamInfo,
  writeSegFile,
  writeStitch,
} from '../../../../domain/pathology/layouts/bag-files.js';
import { withH5, writeH5 } from '../../../../domain/files/hdf5/h5.js';
import { fixture } from '../../../support/fixtures.js';
import { expectError } from '../../../support/expect-error.js';
import { scratchFolder } from '../../../support/scratch-folder.js';
import { patchesAt } from '../../../support/small-patches.js';

const folder = scratchFolder();
const file = (name: string): string => join(folder, name);

const patches = patchesAt(Int32Array.of(0, 0, 256, 0, 0, 256), {
  name: 'CMU-1-Small-Region',
  savePath: 'patches',
});

describe('patches', () => {
  test('are read back', () => {
    writePatches(file('patches.h5'), patches);
    assert.deepEqual(readPatches(file('patches.h5')), patches);
    withH5(file('patches.h5'), (h5) =>
      assert.deepEqual(h5.info('coords'), { dtype: 'int64', shape: [3, 2] }),
    );
  });

  test('are read from a CLAM file', () => {
    assert.deepEqual(readPatches(fixture('formats', 'clam_patches.h5')), {
      coords: Int32Array.of(1024, 0, 1280, 256),
      patchSize: 256,
      patchLevel: 1,
      downsample: [4, 2967 / 741],
      levelDim: [555, 741],
      level0Dim: [2220, 2967],
      name: 'CMU-1-Small-Region',
      savePath: 'out/patches',
    });
  });

  test('can be empty', () => {
    writePatches(file('none.h5'), { ...patches, coords: new Int32Array(0) });
    assert.equal(readPatches(file('none.h5')).coords.length, 0);
  });

  test('names wrong shapes, fractions and missing attributes', () => {
    writeH5(file('flat.h5'), (h5) => h5.write('coords', Int32Array.of(1, 2, 3), [3]));
    expectError('InvalidInput', ['flat.h5', 'N x 2', '3'], () => readPatches(file('flat.h5')));
    writeH5(file('half.h5'), (h5) => h5.write('coords', Float64Array.of(0.5, 1), [1, 2]));
    expectError('InvalidInput', ['half.h5', '0.5'], () => readPatches(file('half.h5')));
    writeH5(file('huge.h5'), (h5) => h5.write('coords', BigInt64Array.of(2n ** 40n, 1n), [1, 2]));
    expectError('InvalidInput', ['huge.h5', String(2 ** 40)], () => readPatches(file('huge.h5')));
    writeH5(file('bare.h5'), (h5) => h5.write('coords', Int32Array.of(1, 2), [1, 2]));
    expectError('InvalidInput', ['bare.h5', 'patch_size'], () => readPatches(file('bare.h5')));
    writeH5(file('pair.h5'), (h5) =>
      h5.write('coords', Int32Array.of(1, 2), [1, 2], {
        attributes: { patch_size: 1, patch_level: 0, downsample: 'two' },
      }),
    );
    expectError('InvalidInput', ['pair.h5', 'downsample', 'two'], () => readPatches(file('pair.h5')));
  });
});

describe('features', () => {
  const bag = {
    features: Float32Array.of(1, 2, 3, 4, 5, 6),
    dim: 2,
    coords: Int32Array.of(0, 0, 256, 0, -1, -1),
  };

  test('are read back as a whole and by rows', () => {
    writeFeatures(file('bag.h5'), bag, { patch_size: 256 });
    assert.deepEqual(readFeatures(file('bag.h5')), { ...bag, rows: 3 });
    assert.deepEqual([...readFeatureRows(file('bag.h5'), 1, 2)], [3, 4, 5, 6]);
    const reader = openFeatures(file('bag.h5'));
    assert.deepEqual(reader.coordsAttributes(), { patch_size: 256 });
    assert.equal(reader.dtype, 'float32');
    reader.close();
  });

  for (const rows of [undefined, 3]) {
    test(`are written in blocks with ${rows ?? 'unknown'} expected rows`, () => {
      const path = file(`blocks-${rows}.h5`);
      const writer = createFeatures(path, 2, { rows });
      writer.append(bag.features.subarray(0, 2), bag.coords.subarray(0, 2));
      writer.append(bag.features.subarray(2), bag.coords.subarray(2));
      writer.close();
      assert.deepEqual(readFeatures(path), { ...bag, rows: 3 });
    });
  }

  test('are read from half-precision 1 x N x D files of TRIDENT', () => {
    const { features, rows, dim, coords } = readFeatures(fixture('formats', 'trident.h5'));
    assert.deepEqual([rows, dim], [3, 4]);
    assert.deepEqual(
      [...features],
      Array.from({ length: 12 }, (_, index) => index / 8),
    );
    assert.deepEqual([...coords], [0, 0, 512, 0, 0, 512]);
    assert.deepEqual([...readFeatureRows(fixture('formats', 'trident.h5'), 1, 1)], [0.5, 0.625, 0.75, 0.875]);
    const reader = openFeatures(fixture('formats', 'trident.h5'));
    assert.equal(reader.coordsAttributes().patch_size_level0, 512);
    reader.close();
  });

  test('are rounded from float64 to float32', () => {
    writeH5(file('double.h5'), (h5) => {
      h5.write('features', Float64Array.of(0.1, 1e-50), [1, 2]);
      h5.write('coords', Int32Array.of(0, 0), [1, 2]);
    });
    assert.deepEqual(readFeatures(file('double.h5')).features, Float32Array.of(0.1, 0));
  });

  test('with mismatched counts are refused with both numbers, and nothing is written', () => {
    const wrong = { ...bag, coords: Int32Array.of(0, 0) };
    expectError('CountMismatch', ['wrong.h5', '1 rows of 2', '3 rows'], () =>
      writeFeatures(file('wrong.h5'), wrong),
    );
    writeH5(file('uneven.h5'), (h5) => {
      h5.write('features', bag.features, [3, 2]);
      h5.write('coords', Int32Array.of(0, 0, 1, 1), [2, 2]);
    });
    expectError('CountMismatch', ['uneven.h5', '3 coords', '2'], () => readFeatures(file('uneven.h5')));
    const writer = createFeatures(file('short.h5'), 2, { rows: 2 });
    writer.append(bag.features.subarray(0, 2), bag.coords.subarray(0, 2));
    expectError('CountMismatch', ['short.h5', '2 rows', '1'], () => writer.close());
    const full = createFeatures(file('full.h5'), 2, { rows: 2 });
    expectError('CountMismatch', ['full.h5', '2 rows', '3'], () => full.append(bag.features, bag.coords));
    full.abort();
    assert.deepEqual(
      readdirSync(folder).filter((name) => /wrong|short|full|partial/.test(name)),
      [],
    );
  });

  test('with NaN or infinite values are refused by row and column when read or written', () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      const features = bag.features.slice();
      features[5] = value;
      writeH5(file('nan.h5'), (h5) => {
        h5.write('features', features, [3, 2]);
        h5.write('coords', bag.coords, [3, 2]);
      });
      const words = [String(value), 'row 2', 'column 1'];
      expectError('InvalidInput', ['nan.h5', ...words], () => readFeatures(file('nan.h5')));
      expectError('InvalidInput', words, () => writeFeatures(file('never.h5'), { ...bag, features }));
      assert.equal(existsSync(file('never.h5')), false);
    }
  });

  test('with a wrong shape, wrong type or missing dataset are refused', () => {
    writeH5(file('flat-features.h5'), (h5) => h5.write('features', bag.features, [6]));
    expectError('InvalidInput', ['flat-features.h5', 'N x D', '6'], () =>
      openFeatures(file('flat-features.h5')),
    );
    writeH5(file('stack.h5'), (h5) => h5.write('features', bag.features, [3, 1, 2]));
    expectError('InvalidInput', ['stack.h5', '3 x 1 x 2'], () => openFeatures(file('stack.h5')));
    writeH5(file('whole.h5'), (h5) => h5.write('features', Int32Array.of(1, 2), [1, 2]));
    expectError('InvalidInput', ['whole.h5', 'int32'], () => openFeatures(file('whole.h5')));
    writeH5(file('bare-features.h5'), (h5) => h5.write('features', bag.features, [3, 2]));
    expectError('InvalidInput', ['bare-features.h5', '"coords"', 'only features'], () =>
      readFeatures(file('bare-features.h5')),
    );
  });
});

describe('sam_info and seg files', () => {
  const info = {
    coords: Int32Array.of(0, 0, 256, 0, -1, -1),
    isGroupFeat: Uint8Array.of(0, 0, 1),
    relativeArea: Float32Array.of(1, 5123, 0),
  };

  test('are read back', () => {
    writeSamInfo(file('info.h5'), info);
    assert.deepEqual(readSamInfo(file('info.h5')), info);
    const members = [
      { index: 10, coords: Int32Array.of(1, 2) },
      { index: 2, coords: Int32Array.of(3, 4, 5, 6) },
    ];
    writeSegFile(file('seg.h5'), members);
    assert.deepEqual(readSegFile(file('seg.h5')), [members[1], members[0]]);
    withH5(file('seg.h5'), (h5) => assert.deepEqual(h5.attributes('seg_10'), { seg_index: 10 }));
    writeSegFile(file('no-seg.h5'), []);
    assert.deepEqual(readSegFile(file('no-seg.h5')), []);
  });

  test('with invalid content are refused by name', () => {
    expectError('CountMismatch', ['bad-info.h5', '3, 2 and 3'], () =>
      writeSamInfo(file('bad-info.h5'), { ...info, isGroupFeat: Uint8Array.of(0, 1) }),
    );
    const write = (flags: Int32Array, areas: Float32Array): void =>
      writeH5(file('odd-info.h5'), (h5) => {
        h5.write('coords', info.coords, [3, 2]);
        h5.write('is_group_feat', flags, [flags.length]);
        h5.write('relative_area', areas, [areas.length]);
      });
    const read = (): unknown => readSamInfo(file('odd-info.h5'));
    write(Int32Array.of(0, 2, 1), info.relativeArea);
    expectError('InvalidInput', ['is_group_feat', '2 in row 1'], read);
    write(Int32Array.of(0, 0, 1), Float32Array.of(1, -4, 0));
    expectError('InvalidInput', ['relative_area', '-4 in row 1'], read);
    write(Int32Array.of(0, 0, 1), Float32Array.of(1, NaN, 0));
    expectError('InvalidInput', ['relative_area', 'NaN in row 1'], read);
    write(Int32Array.of(0, 0, 1), Float32Array.of(1, 1));
    expectError('CountMismatch', ['3, 3 and 2'], read);
  });
});

describe('masks and stitches', () => {
  const tissue: TissueMask = {
    points: Int32Array.of(0, 0, 10, 0, 10, 10, 2, 2, 4, 4),
    offsets: Int32Array.of(0, 3, 5),
    parent: Int32Array.of(-1, 0),
    mask: Uint8Array.from({ length: 12 }, (_, index) => (index % 3 === 0 ? 255 : 0)),
    width: 4,
    height: 3,
    segLevel: 1,
    downsample: [2, 2.0005],
  };

  test('are read back', () => {
    writeMask(file('mask.h5'), tissue);
    assert.deepEqual(readMask(file('mask.h5')), tissue);
    const stitch = {
      pixels: Uint8Array.from({ length: 36 }, (_, i) => i),
      width: 4,
      height: 3,
      downsample: [32, 32] as const,
    };
    writeStitch(file('stitch.h5'), stitch);
    assert.deepEqual(readStitch(file('stitch.h5')), stitch);
  });

  test('can describe a slide without tissue', () => {
    const none = {
      ...tissue,
      points: new Int32Array(0),
      offsets: Int32Array.of(0),
      parent: new Int32Array(0),
    };
    writeMask(file('blank.h5'), none);
    assert.deepEqual(readMask(file('blank.h5')), none);
  });

  test('with inconsistent outlines are refused', () => {
    for (const offsets of [
      Int32Array.of(0, 3),
      Int32Array.of(0, 3, 4),
      Int32Array.of(0, 6, 5),
      Int32Array.of(1, 3, 5),
    ]) {
      expectError('CountMismatch', ['odd.h5', '5 points'], () =>
        writeMask(file('odd.h5'), { ...tissue, offsets }),
      );
    }
    const parent = Int32Array.of(-1, 7);
    expectError('InvalidInput', ['odd.h5', 'outline 1', '7'], () =>
      writeMask(file('odd.h5'), { ...tissue, parent }),
    );
  });
});
