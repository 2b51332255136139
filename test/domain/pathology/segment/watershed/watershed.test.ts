import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { SegmentMask } from '../../../../../domain/pathology/layouts/segments-file.js';
import { areaOf, bboxOf, decodeMask, encodeMask } from '../../../../../domain/files/run-length.js';
import { RandomStream } from '../../../../../domain/random.js';
import { labelMasks } from '../../../../../domain/pathology/segment/watershed/label-masks.js';
import { cutTree, mergeRegions } from '../../../../../domain/pathology/segment/watershed/region-tree.js';
import {
  planSamImage,
  readSamImage,
  type SamImage,
} from '../../../../../domain/pathology/segment/sam-image.js';
import { watershed } from '../../../../../domain/pathology/segment/watershed/watershed.js';
import { openSlide } from '../../../../../domain/pathology/slides/open.js';
import { separateStains } from '../../../../../domain/pathology/slides/stains.js';
import { BUNDLED_SLIDE } from '../../../../support/bundled.js';
import type { SegmentParameters } from '../../../../../domain/pathology/segment/segmenter/segmenter-parameters.js';

function segment(
  image: { rgb: Uint8Array; width: number; height: number },
  changes: Partial<SegmentParameters> = {},
) {
  const parameters = { regions: [10, 40, 130], minMaskRegionArea: 0, ...changes } as SegmentParameters;
  const signal = new AbortController().signal;
  return watershed.segment(image, parameters, {
    signal,
    checkpoint: '',
    progress: () => undefined,
    log: () => undefined,
  });
}

describe('watershed on the bundled slide', () => {
  let image: SamImage;
  let masks: SegmentMask[];

  before(async () => {
    const slide = openSlide(BUNDLED_SLIDE);
    const box = { startX: 0, startY: 0, stopX: 2220, stopY: 2967 };
    image = readSamImage(slide, planSamImage(slide.info.levels, box, BUNDLED_SLIDE));
    slide.close();
    masks = await segment(image);
  });

  test('finds 30 to 300 masks, from small spots to tissue compartments', () => {
    assert.ok(masks.length >= 30 && masks.length <= 300, `${masks.length}`);
    const areas = masks.map(({ area }) => area).sort((a, b) => a - b);
    assert.ok(areas[0] >= 16);
    assert.ok(areas[Math.floor(areas.length / 2)] > 300);
    assert.ok((areas.at(-1) ?? 0) > 20_000);
  });

  test('the facts of every mask match its pixels', () => {
    for (const { rle, area, bbox, pointCoords, predictedIou, stabilityScore, cropBox } of masks) {
      const pixels = decodeMask(rle);
      assert.equal(areaOf(rle), area);
      assert.deepEqual(bboxOf(rle), bbox);
      const [[x, y]] = pointCoords;
      assert.equal(pixels[y * image.width + x], 1, 'its point lies in it');
      assert.ok(predictedIou >= 0 && predictedIou <= 1 && stabilityScore >= 0 && stabilityScore <= 1);
      assert.deepEqual(cropBox, [0, 0, image.width, image.height]);
    }
  });

  test('masks are nested or disjoint, and cover the tissue but not the glass', () => {
    const { width, height } = image;
    const covered = new Uint8Array(width * height);
    const pixels = masks.map(({ rle }) => decodeMask(rle));
    for (const mask of pixels) mask.forEach((set, i) => (covered[i] |= set));
    for (const [i, a] of pixels.entries()) {
      for (let j = i + 1; j < pixels.length; j += 7) {
        let shared = 0;
        for (let k = 0; k < a.length; k++) shared += a[k] & pixels[j][k];
        assert.ok([0, masks[i].area, masks[j].area].includes(shared), `${i} and ${j} share ${shared}`);
      }
    }
    const stains = separateStains(image.rgb, width * height);
    const [tissue, glass] = [
      { all: 0, covered: 0 },
      { all: 0, covered: 0 },
    ];
    covered.forEach((set, i) => {
      const density = stains.hematoxylin[i] + stains.eosin[i];
      const kind = density > 0.3 ? tissue : density < 0.06 ? glass : undefined;
      if (kind) kind.all++;
      if (kind) kind.covered += set;
    });
    assert.ok(tissue.covered / tissue.all > 0.97, `${tissue.covered} of ${tissue.all} tissue pixels`);
    assert.ok(
      glass.covered / glass.all < 0.05 && glass.all > 100_000,
      `${glass.covered} of ${glass.all} glass pixels`,
    );
  });

  test('regions are uniform: most of the stain variance is between them', () => {
    const { hematoxylin } = separateStains(image.rgb, image.width * image.height);
    const fine = masks.filter(({ area }) => area < 4000);
    const variance = (values: number[]): number => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    };
    const means = fine.map(({ rle, area }) => {
      const pixels = decodeMask(rle);
      return hematoxylin.reduce((sum, value, i) => sum + (pixels[i] ? value : 0), 0) / area;
    });
    assert.ok(variance(means) > 0.01, `means of hematoxylin vary by ${variance(means)}`);
  });

  test('is deterministic', async () => {
    assert.deepEqual(await segment(image), masks);
  });

  test('drops masks below the minimum area', async () => {
    const large = await segment(image, { minMaskRegionArea: 500 });
    assert.deepEqual(
      large,
      masks.filter(({ area }) => area >= 500),
    );
  });
});

test('an image without tissue has no masks', async () => {
  const rgb = new Uint8Array(64 * 48 * 3).fill(243);
  assert.deepEqual(await segment({ rgb, width: 64, height: 48 }), []);
  assert.deepEqual(
    await segment({ rgb: new Uint8Array(64 * 48 * 3), width: 64, height: 48 }),
    [],
    'unscanned',
  );
});

test('two halves with different stain become two regions, split where the stain changes', async () => {
  const [width, height] = [80, 60];
  const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const right = Math.floor(i / 3) % width >= 37;
    return (right ? [90, 60, 140] : [220, 130, 190])[i % 3];
  });
  const masks = await segment({ rgb, width, height }, { regions: [2] });
  assert.equal(masks.length, 2);
  const edges = masks.map(({ bbox: [x, , w] }) => [x, x + w]).sort(([a], [b]) => a - b);
  assert.equal(edges[0][0], 0);
  assert.equal(edges[1][1], width - 1);
  assert.ok(Math.abs(edges[0][1] - 36.5) <= 3, `cut at ${edges[0][1]}`);
});

test('run lengths of all labels equal those of each mask', () => {
  const random = new RandomStream('labels');
  for (const [width, height] of [
    [17, 11],
    [1, 9],
    [9, 1],
  ]) {
    const labels = Int32Array.from({ length: width * height }, () => random.below(4));
    const masks = labelMasks(labels, width, height);
    for (let label = 1; label < 4; label++) {
      const pixels = Uint8Array.from(labels, (value) => (value === label ? 1 : 0));
      const rle = encodeMask(pixels, height, width);
      if (areaOf(rle) === 0) assert.equal(masks.get(label), undefined);
      else assert.deepEqual(masks.get(label), { rle, area: areaOf(rle), bbox: bboxOf(rle) });
    }
  }
});

test('merges only neighbors, by the cost of their union', () => {
  const region = (size: number, value: number) => ({ size, mean: Float64Array.of(value) });
  // 0 - 1 - 2 - 3 in a row; 4 is apart. Ward: 0 and 1 cost 0.5, 2 and 3 cost 2, the rest far more.
  const regions = [region(1, 0), region(1, 1), region(1, 10), region(1, 12), region(1, 0)];
  const tree = mergeRegions(regions, [
    [0, 1],
    [2, 1],
    [2, 3],
    [3, 2],
  ]);
  assert.deepEqual(tree.children, [
    [0, 1],
    [2, 3],
    [5, 6],
  ]);
  assert.deepEqual([...cutTree(tree, 5)], [0, 1, 2, 3, 4]);
  assert.deepEqual([...cutTree(tree, 3)], [5, 5, 6, 6, 4]);
  assert.deepEqual([...cutTree(tree, 1)], [7, 7, 7, 7, 4], 'parts that do not touch stay apart');
  assert.deepEqual([...cutTree(tree, 99)], [0, 1, 2, 3, 4]);
});
