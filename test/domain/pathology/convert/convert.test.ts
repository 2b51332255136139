import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readPatchSize } from '../../../../domain/mil/bags/bag-facts.js';
import { loadBag } from '../../../../domain/mil/bags/bags.js';
import {
  openFeatures,
  readFeatures,
  readSamInfo,
  readSegFile,
} from '../../../../domain/pathology/layouts/bag-files.js';
import { withH5, writeH5 } from '../../../../domain/files/hdf5/h5.js';
import { readSegmentsPickle, writeSegments } from '../../../../domain/pathology/layouts/segments-file.js';
import { readPtTensor } from '../../../../domain/files/torch/torch-pt.js';
import type { InputFile, JobResult } from '../../../../domain/job.js';
import { inputFile, outputFile } from '../../../support/activity-job.js';
import { convert, EXPECTED, given, type Parameters } from '../../../support/convert-case.js';
import { fixture } from '../../../support/fixtures.js';
import { findPython } from '../../../support/python.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const PATCHES = EXPECTED.coords.length;
const GROUP_COORDS = [-1, -1, -1, -1];

function bagOf(result: JobResult) {
  const { features, coords, rows, dim } = readFeatures(result.files.bag.from);
  return { features: [...features], coords: [...coords], rows, dim };
}

const expected = {
  features: [...EXPECTED.features.flat(), ...EXPECTED.group_features.flat()].map(Math.fround),
  coords: [...EXPECTED.coords.flat(), ...GROUP_COORDS],
  rows: PATCHES + 2,
  dim: 3,
};

describe('converts features of other tools to the bag of the published rule', () => {
  const sources: Record<string, { parameters: Record<string, string>; source: string }> = {
    "CLAM's h5": { parameters: { features: 'clam.h5' }, source: 'clam' },
    "CLAM's h5 with its patches": {
      parameters: { features: 'clam.h5', patches: 'clam_patches.h5' },
      source: 'clam',
    },
    "TRIDENT's h5, 1 x N x D in float16": { parameters: { features: 'trident.h5' }, source: 'trident' },
    "TRIDENT's pt, a numpy array": {
      parameters: { features: 'trident.pt', patches: 'trident.h5' },
      source: 'pt',
    },
    'a tensor of bfloat16': {
      parameters: { features: 'bfloat16.pt', patches: 'clam_patches.h5' },
      source: 'pt',
    },
    'a tensor of float16 in the old format': {
      parameters: { features: 'legacy_float16.pt', patches: 'clam_patches.h5' },
      source: 'pt',
    },
    'a tensor of float32': {
      parameters: { features: 'float32.pt', patches: 'clam_patches.h5' },
      source: 'pt',
    },
    'a tensor column by column': {
      parameters: { features: 'columns.pt', patches: 'clam_patches.h5' },
      source: 'pt',
    },
  };
  for (const [name, { parameters, source }] of Object.entries(sources)) {
    test(name, async (context) => {
      const entries = Object.entries(parameters).map(
        async ([key, file]) => [key, await given(file)] as const,
      );
      const files = Object.fromEntries(await Promise.all(entries));
      const { result } = await convert(temporaryFolder(context), {
        ...files,
        segments: await given('segments.pkl'),
      });
      assert.deepEqual(result.values, { 'patches-count': PATCHES, 'groups-count': 2, dim: 3, source });
      assert.deepEqual(
        Object.entries(result.files).map(([output, { to }]) => [output, to]),
        [
          ['bag', 'h5_files/slide.h5'],
          ['bag-pt', 'pt_files/slide.pt'],
          ['sam-info', 'sam_info/slide.h5'],
          ['seg', 'seg_files/slide.h5'],
        ],
      );
      assert.deepEqual(bagOf(result), expected);
      const tensor = readPtTensor(result.files['bag-pt'].from);
      assert.deepEqual(
        [tensor.dtype, tensor.shape, [...tensor.data]],
        ['float32', [PATCHES + 2, 3], expected.features],
      );
      const info = readSamInfo(result.files['sam-info'].from);
      assert.deepEqual([...info.relativeArea], [...EXPECTED.relative_area, 0, 0]);
      assert.deepEqual([...info.isGroupFeat], [...Array<number>(PATCHES).fill(0), 1, 1]);
      assert.deepEqual(
        readSegFile(result.files.seg.from).map(({ index, coords }) => [index, [...coords]]),
        [0, 1].map((mask) => [mask, EXPECTED.members[mask].flatMap((row) => EXPECTED.coords[row])]),
      );
      assert.equal(readPatchSize(result.files.bag.from), 8);
    });
  }

  test('h5 segments give the same bag; without segments every area is 1; equal inputs give equal bytes', async (context) => {
    const folder = temporaryFolder(context);
    const segments = join(folder, 'segments.h5');
    writeSegments(segments, readSegmentsPickle(fixture('convert/segments.pkl')));
    const parameters = { features: await given('clam.h5'), segments: await inputFile(segments) };
    const { result } = await convert(folder, parameters);
    assert.deepEqual(bagOf(result), expected);
    const again = await convert(temporaryFolder(context), parameters);
    for (const [name, { from }] of Object.entries(result.files))
      assert.deepEqual(readFileSync(again.result.files[name].from), readFileSync(from), name);

    const plain = await convert(temporaryFolder(context), { features: await given('clam.h5') });
    assert.equal(plain.result.files.seg, undefined);
    assert.deepEqual(new Set(readSamInfo(plain.result.files['sam-info'].from).relativeArea), new Set([1]));
    assert.equal(plain.result.values?.['groups-count'], 0);
  });
});

describe('existing group rows', () => {
  async function grouped(folder: string): Promise<{ features: InputFile; samInfo: InputFile }> {
    const { result } = await convert(folder, {
      features: await given('clam.h5'),
      segments: await given('segments.pkl'),
    });
    return { features: await outputFile(result, 'bag'), samInfo: await outputFile(result, 'sam-info') };
  }

  test('are refused without their sam_info, kept with it, and dropped if no group rows are requested', async (context) => {
    const { features, samInfo } = await grouped(temporaryFolder(context));
    await assert.rejects(convert(temporaryFolder(context), { features }), {
      code: 'InvalidInput',
      message: /h5_files.slide\.h5: the bag already contains group features;.*found 2 of 62 rows.*sam-info/,
    });
    const kept = await convert(temporaryFolder(context), { features, 'sam-info': samInfo });
    assert.deepEqual(bagOf(kept.result), expected);
    assert.deepEqual(kept.result.values, {
      'patches-count': PATCHES,
      'groups-count': 2,
      dim: 3,
      source: 'sam-mil',
    });
    assert.deepEqual(readSamInfo(kept.result.files['sam-info'].from), readSamInfo(samInfo.path));

    const bare = await convert(temporaryFolder(context), {
      features,
      'sam-info': samInfo,
      'group-features': false,
    });
    assert.equal(bagOf(bare.result).rows, PATCHES);
    assert.deepEqual(
      [...readSamInfo(bare.result.files['sam-info'].from).relativeArea],
      EXPECTED.relative_area,
    );

    const again = await convert(temporaryFolder(context), {
      features,
      segments: await given('segments.pkl'),
      'group-features': false,
    });
    assert.deepEqual([again.result.values?.['groups-count'], bagOf(again.result).rows], [0, PATCHES]);
    assert.deepEqual(
      [...readSamInfo(again.result.files['sam-info'].from).relativeArea],
      EXPECTED.relative_area,
    );
  });

  test('are refused with the sam_info of other features, or with both sam_info and segments', async (context) => {
    const { features, samInfo } = await grouped(temporaryFolder(context));
    const patches = { features: await given('clam.h5'), 'sam-info': samInfo };
    await assert.rejects(convert(temporaryFolder(context), patches), {
      code: 'CountMismatch',
      message: /sam_info.slide\.h5: sam_info and features do not match; expected 60 rows.*found 62 rows/,
    });
    const both = { features, 'sam-info': samInfo, segments: await given('segments.pkl') };
    await assert.rejects(convert(temporaryFolder(context), both), {
      code: 'InvalidInput',
      message: /`sam-info` and `segments` are both set/,
    });
  });
});

describe('layout: trident', () => {
  const facts = {
    patch_size: 4,
    patch_size_level0: 8,
    level0_magnification: 40,
    target_magnification: 20,
    overlap: 0,
    level0_width: 3000,
    level0_height: 2000,
  };

  test('keeps the facts of TRIDENT, has no group rows unless requested, and can be read back', async (context) => {
    const folder = temporaryFolder(context);
    const parameters: Parameters = {
      features: await given('trident.h5'),
      segments: await given('segments.pkl'),
      layout: 'trident',
    };
    const { result } = await convert(folder, parameters);
    assert.equal(result.files.bag.to, 'features_uni_v1/slide.h5');
    const { attributes, own } = withH5(result.files.bag.from, (file) => ({
      attributes: file.attributes('coords'),
      own: file.attributes('features'),
    }));
    assert.deepEqual(attributes, {
      ...facts,
      name: 'slide',
      savetodir: 'features_uni_v1',
      encoder: 'uni_v1',
    });
    assert.deepEqual(own, { name: 'slide', savetodir: 'features_uni_v1', encoder: 'uni_v1' });
    assert.equal(bagOf(result).rows, PATCHES);
    const bag = loadBag(
      { features: result.files.bag.from, samInfo: result.files['sam-info'].from },
      { groupFeatures: true },
    );
    assert.deepEqual([...bag.area], EXPECTED.relative_area);
    const round = await convert(temporaryFolder(context), {
      features: await outputFile(result, 'bag'),
      segments: await given('segments.pkl'),
    });
    assert.deepEqual(bagOf(round.result), expected, 'and back to CLAM');
    const asked = await convert(temporaryFolder(context), { ...parameters, 'group-features': true });
    assert.equal(bagOf(asked.result).rows, PATCHES + 2);
  });

  test('requires the magnification for CLAM input, because CLAM files do not state it', async (context) => {
    const parameters: Parameters = {
      features: await given('clam.h5'),
      patches: await given('clam_patches.h5'),
      layout: 'trident',
    };
    await assert.rejects(convert(temporaryFolder(context), parameters), {
      code: 'MissingMagnification',
      message: /clam_patches\.h5: .*magnification.*`slide-magnification`/,
    });
    const { result } = await convert(temporaryFolder(context), { ...parameters, 'slide-magnification': 20 });
    assert.equal(result.files.bag.to, 'features_unknown/slide.h5');
    const reader = openFeatures(result.files.bag.from);
    const attributes = reader.coordsAttributes();
    reader.close();
    const own = { ...facts, patch_size: 8, level0_magnification: 20, target_magnification: 20 };
    assert.deepEqual(attributes, { ...own, name: 'slide', savetodir: 'features_unknown' });
    await assert.rejects(
      convert(temporaryFolder(context), {
        features: await given('clam.h5'),
        layout: 'trident',
        'slide-magnification': 20,
      }),
      {
        code: 'InvalidInput',
        message: /clam\.h5: the patch size is unknown.*`patch-size-level0`/,
      },
    );
  });

  const python = findPython(['h5py', 'numpy']);
  test('h5py reads both layouts like their tools', { skip: python.skip }, async (context) => {
    const program = `
import sys, h5py, numpy as np
with h5py.File(sys.argv[1]) as f:
    attrs, coords, features = dict(f['coords'].attrs), f['coords'][:], f['features'][:]
assert coords.dtype == np.int64 and features.dtype == np.float32, (coords.dtype, features.dtype)
assert features.shape == (60, 3) and coords.shape == (60, 2)
assert coords[1].tolist() == [100, 208] and features[1].tolist() == [5.25, 7.0, 8.75], features[1]
if sys.argv[2] == 'trident':
    wanted = [attrs.get(key) for key in ('patch_size', 'level0_magnification', 'target_magnification')]
    assert wanted == [4, 40, 20] and all(type(value) is np.int64 for value in wanted), wanted
    assert int(attrs['patch_size_level0']) == 8 and attrs['name'] == 'slide' and isinstance(attrs['savetodir'], str)
else:
    assert (attrs['patch_size'], attrs['patch_level'], attrs['name']) == (8, 0, 'slide'), attrs
`;
    for (const layout of ['clam', 'trident']) {
      const { result } = await convert(temporaryFolder(context), {
        features: await given('trident.h5'),
        layout,
      });
      python.run(program, result.files.bag.from, layout);
    }
  });
});

describe('the process list', () => {
  const list = async (folder: string, text: string): Promise<InputFile> => {
    const path = join(folder, 'process_list_autogen.csv');
    writeFileSync(path, `slide_id,process,status\n${text}`);
    return inputFile(path);
  };

  test('converts finished slides, skips excluded and failed ones, and refuses unlisted ones', async (context) => {
    const folder = temporaryFolder(context);
    const features = await given('clam.h5');
    const outcome = async (text: string) =>
      (await convert(temporaryFolder(context), { features, 'process-list': await list(folder, text) }))
        .result;
    for (const row of ['slide.svs,0,processed', 'slide,0,already_exist', 'slide.svs,1,tbp'])
      assert.equal((await outcome(`other.svs,0,processed\n${row}\n`)).skip, undefined, row);
    const reasons: Record<string, string> = {
      'slide.svs,0,tbp': 'process is 0 in process_list_autogen.csv',
      'slide.svs,1,failed_seg': 'failed_seg in process_list_autogen.csv',
      'slide.svs,0,no_tissue': 'no_tissue in process_list_autogen.csv',
    };
    for (const [row, reason] of Object.entries(reasons)) {
      const result = await outcome(`${row}\n`);
      assert.deepEqual([result.skip, result.files], [reason, {}]);
    }
    await assert.rejects(outcome('slide_2.svs,0,processed\nother.svs,0,processed\n'), {
      code: 'InvalidInput',
      message:
        /process_list_autogen\.csv: slide "slide" is not in the process list;.*found 2 rows: slide_2\.svs, other\.svs/,
    });
  });
});

test('streams a long bag in blocks', async (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'slide.h5');
  const [rows, dim] = [5000, 512];
  writeH5(path, (file) => {
    file.write(
      'features',
      Float32Array.from({ length: rows * dim }, (_, i) => i % 1009),
      [rows, dim],
    );
    file.write(
      'coords',
      Int32Array.from({ length: rows * 2 }, (_, i) => i),
      [rows, 2],
    );
  });
  const { result, job } = await convert(folder, { features: await inputFile(path) });
  assert.equal(bagOf(result).rows, rows);
  assert.deepEqual(
    job.reports.map(({ done }) => done),
    [2048, 4096, 5000, 2048, 4096, 5000],
    'once for the h5 file, once for the tensor',
  );
});

test('warns once about rows of zeros, as in an unfilled file, and not about valid features', async (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'zeros.h5');
  const values = Float32Array.from(EXPECTED.features.flat()).fill(0, 0, 3 * 40);
  writeH5(path, (file) => {
    file.write('features', values, [PATCHES, 3]);
    file.write('coords', Float64Array.from(EXPECTED.coords.flat()), [PATCHES, 2]);
  });
  const warned = async (features: InputFile) => {
    const { job } = await convert(folder, { features });
    return job.logs.filter(({ message }) => message.includes('zeros')).map(({ level }) => level);
  };
  assert.deepEqual(await warned(await inputFile(path)), ['warn']);
  assert.deepEqual(await warned(await given('clam.h5')), []);
});
