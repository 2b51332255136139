import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { decodeMask, type Rle } from '../../../../../domain/files/run-length.js';
import { touchesCropEdge } from '../../../../../domain/pathology/segment/sam/box-suppression.js';
import { pointGrid } from '../../../../../domain/pathology/segment/sam/point-grid.js';
import {
  automaticMasks,
  type AutomaticMasks,
} from '../../../../../domain/pathology/segment/sam/automatic-masks.js';
import type { SegmentContext } from '../../../../../domain/pathology/segment/segmenter/segmenter.js';
import type { SegmentParameters } from '../../../../../domain/pathology/segment/segmenter/segmenter-parameters.js';
import {
  type CandidateRow,
  parametersOf,
  rleOf,
  type SamCase,
  samJson,
} from '../../../../support/sam-case.js';
import { openSmallSam, samImage } from '../../../../support/small-sam.js';
import { temporaryFolder } from '../../../../support/temporary-folder.js';

const CASES = ['auto_single_crop', 'auto_one_crop_layer', 'auto_one_crop_layer_min_area'];

for (const name of CASES) {
  test(`${name}: masks, their order and the counts after each filter equal the original`, async (context) => {
    const expected = samJson<SamCase>(name);
    const { masks, stages } = await find(context, parametersOf(expected.parameters));
    assert.deepEqual(
      stages.map(({ crop, ...counts }) => ({
        crop_box_xyxy: [crop.left, crop.top, crop.right, crop.bottom],
        layer: crop.layer,
        candidates: counts.candidates,
        after_pred_iou: counts.afterPredIou,
        after_stability: counts.afterStability,
        after_edge: counts.afterEdge,
        after_box_nms: counts.afterBoxNms,
        after_crop_nms: counts.afterCropNms,
      })),
      expected.stages,
    );
    assert.equal(
      stages.reduce((sum, stage) => sum + stage.afterCropNms, 0),
      expected.masks_before_small_region_removal,
    );
    assert.equal(masks.length, expected.masks.length);
    expected.masks.forEach((wanted, i) => {
      const found = masks[i];
      assert.deepEqual(found.pointCoords, wanted.point_coords);
      assert.deepEqual(found.cropBox, wanted.crop_box);
      assert.ok(Math.abs(found.predictedIou - wanted.predicted_iou) <= 1e-5);
      assert.ok(Math.abs(found.stabilityScore - wanted.stability_score) <= 1e-3);
      const pixels = differing(found.rle, rleOf(wanted.rle));
      assert.ok(pixels <= 3, `mask ${i} differs in ${pixels} pixels`);
      assert.ok(Math.abs(found.area - wanted.area) <= pixels);
      if (pixels === 0) assert.deepEqual(found.bbox, wanted.bbox);
    });
  });
}

test('all candidates have the predicted quality, stability, box and area of the original', async (context) => {
  const name = 'auto_one_crop_layer';
  const open = {
    ...parametersOf(samJson<SamCase>(name).parameters),
    predIouThresh: 0,
    stabilityScoreThresh: 0,
    boxNmsThresh: 1,
    cropNmsThresh: 1,
  };
  const { masks, stages } = await find(context, open);
  let found = 0;
  for (const [crop, point, , iou, stability, box, area] of samJson<CandidateRow[]>(`${name}.candidates`)) {
    const { crop: place } = stages[crop];
    const grid = pointGrid(open.pointsPerSide / open.cropNPointsDownscaleFactor ** place.layer);
    const x = grid[2 * point] * (place.right - place.left) + place.left;
    const y = grid[2 * point + 1] * (place.bottom - place.top) + place.top;
    const mask = masks.find(
      ({ pointCoords: [at], predictedIou }) =>
        at[0] === x && at[1] === y && Math.abs(predictedIou - iou) <= 1e-5,
    );
    // Without thresholds, only masks that a crop cut off and empty masks are dropped.
    const goes = area === 0 || stability === null || touchesCropEdge(box, place, [0, 0, 420, 300]);
    assert.equal(mask === undefined, goes);
    if (mask === undefined || stability === null) continue;
    found++;
    assert.ok(Math.abs(mask.stabilityScore - stability) <= 1e-3);
    assert.ok(Math.abs(mask.area - area) <= 3);
    assert.deepEqual(mask.bbox, [box[0], box[1], box[2] - box[0], box[3] - box[1]]);
  }
  assert.equal(found, masks.length);
});

test('the bits do not depend on the number of points per batch', async (context) => {
  const parameters = parametersOf(samJson<SamCase>('auto_one_crop_layer').parameters);
  const [some, one, all] = await Promise.all(
    [10, 1, 1000].map((pointsPerBatch) => find(context, { ...parameters, pointsPerBatch })),
  );
  assert.deepEqual(one, some);
  assert.deepEqual(all, some);
});

async function find(context: TestContext, parameters: SegmentParameters): Promise<AutomaticMasks> {
  const folder = temporaryFolder(context);
  const model = await openSmallSam(folder);
  mkdirSync(join(folder, 'checkpoint'));
  const job: SegmentContext = {
    signal: context.signal,
    checkpoint: join(folder, 'checkpoint'),
    progress: () => undefined,
    log: () => undefined,
  };
  try {
    return await automaticMasks(model, 'small', await samImage(), parameters, job);
  } finally {
    await model.close();
  }
}

function differing(a: Rle, b: Rle): number {
  assert.deepEqual(a.size, b.size);
  const [one, other] = [decodeMask(a), decodeMask(b)];
  return one.reduce((count, value, i) => count + (value === other[i] ? 0 : 1), 0);
}
