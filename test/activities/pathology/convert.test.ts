import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type AttributeInput, writeH5 } from '../../../domain/files/hdf5/h5.js';
import { PickleWriter } from '../../../domain/files/pickle/pickle-writer.js';
import {
  readSegmentsPickle,
  type Segments,
  writeSegments,
} from '../../../domain/pathology/layouts/segments-file.js';
import { readReceipt } from '../../../domain/engine/store/receipts.js';
import type { JsonObject } from '../../../domain/json.js';
import { archive, storedZip, tensorProgram } from '../../domain/files/torch/torch-archive.js';
import { EXPECTED } from '../../support/convert-case.js';
import { fixture } from '../../support/fixtures.js';
import { StubSteps } from '../../support/stub-step.js';

/*
 * Runs the activity as a worker does on mistaken and malicious input: it refuses with file and numbers, and
 * publishes nothing.
 */
const work = mkdtempSync(join(tmpdir(), 'sam-mil-test-'));
let steps: StubSteps;
before(async () => {
  steps = await StubSteps.open(work);
  const files = readdirSync(fixture('convert')).filter((name) => !/\.(py|json)$/.test(name));
  for (const name of files) copyFileSync(fixture(`convert/${name}`), join(work, name));
});
after(async () => {
  await steps.engine.close();
  rmSync(work, { recursive: true, force: true });
});

const ROWS = EXPECTED.coords.length;
const FLOATS = new Uint8Array(ROWS * 3 * 4);

/** A features file of 60 x 3 with something changed in it. */
function bag(
  change: {
    coords?: (coords: number[]) => number[];
    values?: (values: Float32Array) => void;
    shape?: number[];
  } = {},
  attributes: Record<string, AttributeInput> = {},
): string {
  const values = Float32Array.from(EXPECTED.features.flat());
  change.values?.(values);
  const coords = (change.coords ?? ((same) => same))(EXPECTED.coords.flat());
  const name = `bag-${made++}.h5`;
  writeH5(join(work, name), (file) => {
    file.write('features', values, change.shape ?? [ROWS, 3]);
    file.write('coords', Float64Array.from(coords), [coords.length / 2, 2], { attributes });
  });
  return name;
}

function bytes(extension: string, content: Uint8Array): string {
  const name = `file-${made++}.${extension}`;
  writeFileSync(join(work, name), content);
  return name;
}

let made = 0;

/** Python code that would leave a file behind if it ran. */
function hostile(): Uint8Array {
  const program = new PickleWriter(2).global('os', 'system');
  return program
    .tuple(() => void program.text(`touch ${join(work, 'executed')}`))
    .op('R.')
    .take();
}

function segmentsWith(change: Partial<Segments['info']>): string {
  const { info, masks } = readSegmentsPickle(fixture('convert/segments.pkl'));
  const name = `segments-${made++}.h5`;
  writeSegments(join(work, name), { info: { ...info, ...change }, masks });
  return name;
}

const pt = (features: string): JsonObject => ({ features, patches: 'clam_patches.h5' });
const at = (row: number, x: number, y: number) => (coords: number[]) =>
  coords.with(2 * row, x).with(2 * row + 1, y);

type Case = [name: string, given: () => JsonObject, code: string, message: RegExp];

const refusals: Case[] = [
  [
    'a zero-byte h5',
    () => ({ features: bytes('h5', new Uint8Array()) }),
    'InvalidInput',
    /file-\d+\.h5: is empty \(0 bytes\)/,
  ],
  [
    'a truncated h5',
    () => ({ features: bytes('h5', readFileSync(fixture('convert/clam.h5')).subarray(0, 5000)) }),
    'InvalidInput',
    /file-\d+\.h5: is a truncated HDF5 file/,
  ],
  [
    'NaN among the features, found only as they are written',
    () => ({ features: bag({ values: (values) => (values[3 * 59 + 1] = NaN) }) }),
    'InvalidInput',
    /bag-\d+\.h5: .*not finite; found NaN in row 59, column 1/,
  ],
  [
    'an infinity in a tensor',
    () =>
      pt(
        bytes(
          'pt',
          archive(tensorProgram({ length: 180, shape: [60, 3] }), {
            '0': FLOATS.slice().fill(0x7f, 40, 44).fill(0x80, 42, 43),
          }),
        ),
      ),
    'InvalidInput',
    /file-\d+\.pt: the features contain values that are not finite; found Infinity|NaN in row 3, column 1/,
  ],
  [
    'one vector a slide',
    () => ({ features: bag({ shape: [ROWS * 3] }) }),
    'InvalidInput',
    /bag-\d+\.h5: .*wrong shape; expected N x D or 1 x N x D; found 180/,
  ],
  [
    'fewer coords than features',
    () => ({ features: bag({ coords: (coords) => coords.slice(2) }) }),
    'CountMismatch',
    /bag-\d+\.h5: features and coords do not match; expected 60 coords.*found 59/,
  ],
  [
    'a tensor with the coords of another slide',
    () => ({ features: 'float32.pt', patches: bag({ coords: (coords) => coords.slice(0, 80) }) }),
    'CountMismatch',
    /bag-\d+\.h5: features and coords do not match; expected 60 coords, one per feature row of .*float32\.pt; found 40/,
  ],
  [
    'as many coords, but others',
    () => ({ features: 'clam.h5', patches: bag({ coords: at(7, 101, 200) }) }),
    'InvalidInput',
    /bag-\d+\.h5: the coords differ from those in .*clam\.h5; expected 116, 208 in row 7; found 101, 200/,
  ],
  [
    'a tensor without coords',
    () => ({ features: 'float32.pt' }),
    'InvalidInput',
    /float32\.pt: the features have no coords/,
  ],
  [
    'a negative position',
    () => ({ features: bag({ coords: at(2, -5, 200) }) }),
    'InvalidInput',
    /bag-\d+\.h5: row 2 of "coords" has an impossible position; .*found -5, 200/,
  ],
  [
    'half a group row',
    () => ({ features: bag({ coords: at(2, -1, 200) }) }),
    'InvalidInput',
    /row 2 of "coords" has an impossible position; .*found -1, 200/,
  ],
  [
    'a position between pixels',
    () => ({ features: bag({ coords: at(2, 100.5, 200) }) }),
    'InvalidInput',
    /bag-\d+\.h5: dataset "coords": element 4 is 100\.5/,
  ],
  [
    'a position outside the slide',
    () => ({ features: bag({ coords: at(4, 4000, 200) }, { level_dim: [3000, 2000] }) }),
    'InvalidInput',
    /row 4 is outside the slide; expected coords within 3000 x 2000; found 4000, 200/,
  ],
  [
    "a position outside the slide, whose size CLAM states in pixels of the patches' level",
    () => ({
      features: bag(
        { coords: at(4, 13000, 200) },
        { patch_size: 2, patch_level: 1, downsample: [4, 4], level_dim: [3000, 2000] },
      ),
    }),
    'InvalidInput',
    /row 4 is outside the slide; expected coords within 12000 x 8000; found 13000, 200/,
  ],
  ...[0, -256, NaN, '256'].map((size): Case => [
    `patches of size ${JSON.stringify(size)} (${typeof size})`,
    () => ({
      features: bag({}, { patch_size: typeof size === 'string' ? size : { dtype: 'float64', value: size } }),
    }),
    'InvalidInput',
    /bag-\d+\.h5: attribute "patch_size" of "coords" is malformed; expected an integer from 1 to 32768; found (0|-256|NaN|"256")$/,
  ]),
  [
    'a process list with two rows for the slide that differ',
    () => ({
      features: 'clam.h5',
      'process-list': bytes('csv', Buffer.from('slide_id,process\nclam.svs,1\nb.svs,1\nclam.svs,0\n')),
    }),
    'InvalidInput',
    /file-\d+\.csv: .*two different rows for slide "clam\.h5"; .*found clam\.svs in line 2, clam\.svs in line 4/,
  ],
  [
    'patches of another size than said',
    () => ({ features: 'clam.h5', 'patch-size-level0': 16 }),
    'InvalidInput',
    /clam\.h5: the coords do not lie on the grid.*expected neighboring patches 16 level-0 pixels apart; found mostly 8/,
  ],
  [
    'a patch size that the file contradicts',
    () => ({ ...pt('float32.pt'), 'patch-size-level0': 16 }),
    'CountMismatch',
    /clam_patches\.h5: the patch size differs from `patch-size-level0`; expected 16 level-0 pixels; found 8/,
  ],
  [
    'segments of other patches',
    () => ({ ...pt('float32.pt'), segments: segmentsWith({ patchSize: 512 }) }),
    'CountMismatch',
    /segments-\d+\.h5: segments and features have different patch sizes; expected 8 .*found 512/,
  ],
  [
    'segments of another slide',
    () => ({ features: 'clam.h5', segments: segmentsWith({ startX: 500, stopX: 1600 }) }),
    'InvalidInput',
    /segments-\d+\.h5: the segments belong to another slide.*expected patches within 500, 200 to 1600, 224; found 30 of 60 patches outside, the first \(row 0\) at 100, 200/,
  ],
  [
    'segments whose image does not fit their box',
    () => ({ features: 'clam.h5', segments: segmentsWith({ stopX: 6000, visLevel: 2 }) }),
    'InvalidInput',
    /cannot determine the downsample of the segmented image; .*`segments-downsample`/,
  ],
  [
    'segments that call os.system',
    () => ({ features: 'clam.h5', segments: bytes('pkl', hostile()) }),
    'InvalidInput',
    /file-\d+\.pkl: .*"os\.system".*not allowed/,
  ],
  [
    'a tensor that calls os.system',
    () => pt(bytes('pt', archive(hostile(), {}))),
    'InvalidInput',
    /file-\d+\.pt: .*"os\.system".*not allowed/,
  ],
  [
    'a zip bomb: packed entries',
    () => pt(bytes('pt', archive(tensorProgram({}), { '0': new Uint8Array(24) }, { method: 8 }))),
    'UnsupportedFormat',
    /file-\d+\.pt: .*compressed/,
  ],
  [
    'a zip bomb: entries that share their bytes',
    () => {
      const data = { name: 'archive/data/0', content: FLOATS };
      const program = { name: 'archive/data.pkl', content: tensorProgram({}) };
      return pt(bytes('pt', storedZip([program, data, { ...data, name: 'archive/data/1', sameAs: 1 }])));
    },
    'InvalidInput',
    /file-\d+\.pt: .*overlaps/,
  ],
  [
    'a tensor whose rows overlap',
    () =>
      pt(
        bytes(
          'pt',
          archive(tensorProgram({ length: 180, shape: [60, 100], strides: [1, 1] }), { '0': FLOATS }),
        ),
      ),
    'InvalidInput',
    /file-\d+\.pt: .*\(60, 100\).*storage of 180/,
  ],
  [
    'a tensor of absurd shape',
    () => pt(bytes('pt', archive(tensorProgram({ length: 180, shape: [2 ** 40, 3] }), { '0': FLOATS }))),
    'InvalidInput',
    /file-\d+\.pt: .*1099511627776, 3/,
  ],
  [
    'whole numbers',
    () =>
      pt(
        bytes(
          'pt',
          archive(tensorProgram({ storage: 'IntStorage', length: 180, shape: [60, 3] }), { '0': FLOATS }),
        ),
      ),
    'InvalidInput',
    /file-\d+\.pt: the features have the wrong element type; .*found int32/,
  ],
  [
    'a checkpoint',
    () => pt(bytes('pt', archive(new PickleWriter(2).op('}.').take(), {}))),
    'InvalidInput',
    /file-\d+\.pt: does not contain a single tensor/,
  ],
  [
    'an empty pt',
    () => pt(bytes('pt', new Uint8Array())),
    'InvalidInput',
    /file-\d+\.pt: is empty \(0 bytes\)/,
  ],
];

describe('pathology.convert refuses by name and publishes nothing', () => {
  for (const [name, given, code, message] of refusals) {
    test(name, async () => {
      const stage = `refused-${made++}`;
      await assert.rejects(steps.run('pathology.convert', { stage, with: given() }), { code, message });
      assert.equal(existsSync(join(work, stage)), false);
      assert.equal(await readReceipt(work, { stage, item: 'item', step: 'step' }), undefined);
      assert.equal(existsSync(join(work, 'executed')), false, 'nothing of a file is executed');
    });
  }

  test('a process list that changes for other slides keeps a bag; one that excludes its slide does not', async () => {
    const list = join(work, 'list.csv');
    const given = { stage: 'listed', with: { features: 'clam.h5', 'process-list': 'list.csv' } };
    const run = async (rows: string) => {
      writeFileSync(list, `slide_id,process,status\n${rows}`);
      const { how, receipt } = await steps.run('pathology.convert', given);
      return [how, receipt.skip];
    };
    assert.deepEqual(await run('clam.svs,1,processed\n'), ['done', undefined]);
    assert.deepEqual(await run('other.svs,0,tbp\nclam.svs,0,processed\n'), ['cached', undefined]);
    assert.deepEqual(await run('clam.svs,0,tbp\n'), ['done', 'process is 0 in list.csv']);
    await assert.rejects(run('other.svs,1,processed\n'), {
      code: 'InvalidInput',
      message: /"clam" is not in/,
    });
  });

  test('valid input is published in the same way', async () => {
    const { receipt } = await steps.run('pathology.convert', {
      stage: 'sound',
      with: { ...pt('bfloat16.pt'), segments: 'segments.pkl', 'patch-size-level0': 8 },
    });
    assert.deepEqual(
      Object.keys(receipt.files).sort(),
      ['h5_files/item.h5', 'pt_files/item.pt', 'sam_info/item.h5', 'seg_files/item.h5'].map(
        (file) => `sound/${file}`,
      ),
    );
  });
});
