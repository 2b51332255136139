import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { decodeMask, encodeMask } from '../../../../domain/files/run-length.js';
import { writeH5 } from '../../../../domain/files/hdf5/h5.js';
import {
  readSegments,
  readSegmentsPickle,
  type Segments,
  writeSegments,
  writeSegmentsPickle,
} from '../../../../domain/pathology/layouts/segments-file.js';
import { fixture } from '../../../support/fixtures.js';
import { expectError } from '../../../support/expect-error.js';
import { scratchFolder } from '../../../support/scratch-folder.js';

const folder = scratchFolder();

/** Content of the fixture sam_protocol*.pkl (see make.py). */
function expected(): Segments {
  const [h, w] = [6, 5];
  const first = new Uint8Array(h * w);
  for (const y of [1, 2, 3]) first.fill(1, y * w + 2, y * w + 5);
  const second = new Uint8Array(h * w);
  second[5 * w] = 1;
  const shared = { pointCoords: [[2.5, 1.5]] as [number, number][], stabilityScore: 0.875 };
  return {
    info: {
      patchSize: 512,
      startX: 10,
      startY: 20,
      stopX: 90,
      stopY: 116,
      w,
      h,
      visLevel: 1,
      downsampleRatio: 2,
    },
    masks: [
      {
        ...shared,
        rle: encodeMask(first, h, w),
        area: 9,
        bbox: [2, 1, 2, 2],
        predictedIou: 0.75,
        cropBox: [0, 0, w, h],
      },
      {
        ...shared,
        rle: encodeMask(second, h, w),
        area: 1,
        bbox: [0, 5, 0, 0],
        predictedIou: 0.625,
        cropBox: [0, 0, w, h],
      },
    ],
  };
}

describe('segments as HDF5', () => {
  const path = join(folder, 'segments.h5');

  test('are read back', () => {
    writeSegments(path, expected());
    assert.deepEqual(readSegments(path), expected());
  });

  test('can have no masks, and masks without points', () => {
    const { info, masks } = expected();
    writeSegments(path, { info, masks: [] });
    assert.deepEqual(readSegments(path), { info, masks: [] });
    const pointless = { info, masks: [{ ...masks[0], pointCoords: [] }, masks[1]] };
    writeSegments(path, pointless);
    assert.deepEqual(readSegments(path), pointless);
  });

  test('with masks of another size or boxes outside are refused by number', () => {
    const { info, masks } = expected();
    const odd = encodeMask(new Uint8Array(4), 2, 2);
    const write = (mask: Partial<Segments['masks'][0]>) => () =>
      writeSegments(join(folder, 'odd.h5'), { info, masks: [masks[0], { ...masks[1], ...mask }] });
    expectError('InvalidInput', ['odd.h5', 'mask 1', '5 x 6', '2 x 2'], write({ rle: odd }));
    expectError('InvalidInput', ['mask 1', 'x 4, y 5, w 2'], write({ bbox: [4, 5, 2, 0] }));
    expectError(
      'InvalidInput',
      ['mask 1', 'add up to 29'],
      write({ rle: { size: [6, 5], counts: Uint32Array.of(29) } }),
    );
  });

  test('with mismatched counts are refused with both numbers', () => {
    const broken = join(folder, 'broken.h5');
    const { info } = expected();
    writeH5(broken, (file) => {
      for (const [name, value] of [
        ['patch_size', info.patchSize],
        ['start_x', 1],
        ['start_y', 1],
        ['stop_x', 2],
        ['stop_y', 2],
        ['w', 5],
        ['h', 6],
        ['vis_level', 0],
        ['downsample_ratio', 1],
      ] as const)
        file.attribute('/', name, value);
      file.write('counts', Uint32Array.of(30), [1]);
      file.write('offsets', Int32Array.of(0, 2), [2]);
    });
    expectError('CountMismatch', ['broken.h5', '"offsets"', '0 to 1', '0 to 2'], () => readSegments(broken));
    writeH5(broken, (file) => file.attribute('/', 'patch_size', 3));
    expectError('InvalidInput', ['broken.h5', 'start_x'], () => readSegments(broken));
  });
});

describe("SAM-MIL's pickles", () => {
  for (const protocol of [0, 1, 2, 3, 4, 5]) {
    test(`are read in protocol ${protocol} as written by Python`, () => {
      assert.deepEqual(readSegmentsPickle(fixture('formats', `sam_protocol${protocol}.pkl`)), expected());
    });
  }

  test('are read back, including large ones', () => {
    const path = join(folder, 'ours.pkl');
    writeSegmentsPickle(path, expected());
    assert.deepEqual(readSegmentsPickle(path), expected());
    const [h, w] = [700, 900];
    const pixels = Uint8Array.from({ length: h * w }, (_, index) => (index % 11 < 4 ? 1 : 0));
    const rle = encodeMask(pixels, h, w);
    const area = pixels.reduce((sum, value) => sum + value, 0);
    const { info, masks } = expected();
    const mask = { ...masks[0], rle, area, bbox: [0, 0, w - 1, h - 1] as [number, number, number, number] };
    const large = { info: { ...info, h, w }, masks: [mask, mask, mask] };
    writeSegmentsPickle(path, large);
    const back = readSegmentsPickle(path);
    assert.deepEqual(back, large);
    assert.deepEqual(decodeMask(back.masks[2].rle), pixels);
  });

  test('that are not segments pickles are refused with the reason', () => {
    const path = join(folder, 'wrong.pkl');
    const source = readFileSync(fixture('formats', 'sam_protocol4.pkl'));
    const replaced = (from: string, to: string): void =>
      writeFileSync(path, Buffer.from(source.toString('latin1').replace(from, to), 'latin1'));
    const read = (): unknown => readSegmentsPickle(path);
    replaced('start_x', 'start_q');
    expectError('InvalidInput', ['wrong.pkl', 'start_x'], read);
    replaced('predicted_iou', 'predicted_xyz');
    expectError('InvalidInput', ['wrong.pkl', 'mask 0', 'predicted_iou'], read);
    replaced('segmentation', 'segmentatiom');
    expectError('InvalidInput', ['wrong.pkl', 'mask 0', 'segmentation'], read);
    writeFileSync(path, Buffer.from('\x80\x04]\x94.', 'latin1'));
    expectError('InvalidInput', ['wrong.pkl', 'facts about the image'], read);
    for (let length = 1; length < source.length; length += 13) {
      writeFileSync(path, source.subarray(0, length));
      expectError('InvalidInput', ['wrong.pkl', 'ends unexpectedly'], read);
    }
  });

  test('with an area that differs from the number of pixels are refused', () => {
    const path = join(folder, 'area.pkl');
    const source = readFileSync(fixture('formats', 'sam_protocol4.pkl')).toString('latin1');
    assert.ok(source.includes('area\x94K\t'));
    writeFileSync(path, Buffer.from(source.replace('area\x94K\t', 'area\x94K\b'), 'latin1'));
    expectError('InvalidInput', ['area.pkl', 'mask 0', '9 pixels', '8'], () => readSegmentsPickle(path));
  });
});
