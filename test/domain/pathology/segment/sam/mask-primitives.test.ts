import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areaOf, bboxOf, decodeMask, encodeMask } from '../../../../../domain/files/run-length.js';
import { loadOpenCv } from '../../../../../domain/machine/opencv.js';
import {
  suppressBoxes,
  touchesCropEdge,
  type PixelBox,
} from '../../../../../domain/pathology/segment/sam/box-suppression.js';
import { cropBoxes } from '../../../../../domain/pathology/segment/sam/crop-boxes.js';
import { gridSides, pointGrid } from '../../../../../domain/pathology/segment/sam/point-grid.js';
import { removeSmallRegions } from '../../../../../domain/pathology/segment/sam/small-regions.js';
import { rleOf, type RleJson, samJson } from '../../../../support/sam-case.js';

interface Primitives {
  crop_boxes: {
    height: number;
    width: number;
    n_layers: number;
    overlap_ratio: number;
    crop_boxes_xyxy: PixelBox[];
    layers: number[];
  }[];
  point_grids: {
    n_per_side: number;
    points_xy?: [number, number][];
    /** Of a large grid: the first two, the last of the first row, the first of the second, the last. */
    probe_first_last?: [number, number][];
  }[];
  layer_grids: { points_per_side: number; n_layers: number; downscale: number; sides: number[] }[];
  remove_small_regions: {
    mode: 'holes' | 'islands';
    area_thresh: number;
    input: RleJson;
    output: RleJson;
    changed: boolean;
  }[];
  nms: { boxes_xyxy: PixelBox[]; scores: number[]; cases: { iou_threshold: number; keep: number[] }[] };
  box_near_crop_edge: {
    crop_box: PixelBox;
    image_box: PixelBox;
    boxes_in_crop_xyxy: PixelBox[];
    near: boolean[];
  };
  run_lengths: { rows: number[][]; rle: RleJson; area: number; box_xyxy: PixelBox }[];
}

const primitives = samJson<Primitives>('primitives');

test('crops equal those of segment-anything for every size, number of layers and overlap', () => {
  for (const one of primitives.crop_boxes) {
    const boxes = cropBoxes(one.width, one.height, one.n_layers, one.overlap_ratio);
    assert.deepEqual(
      boxes.map(({ left, top, right, bottom }) => [left, top, right, bottom]),
      one.crop_boxes_xyxy,
    );
    assert.deepEqual(
      boxes.map(({ layer }) => layer),
      one.layers,
    );
  }
});

test('point grids equal the original and thin out from layer to layer', () => {
  for (const { n_per_side: side, points_xy, probe_first_last } of primitives.point_grids) {
    const grid = pointGrid(side);
    assert.equal(grid.length, 2 * side * side);
    const probed = [0, 1, side - 1, side, side * side - 1].map((at) => [grid[2 * at], grid[2 * at + 1]]);
    if (points_xy) assert.deepEqual([...grid], points_xy.flat());
    else assert.deepEqual(probed, probe_first_last);
  }
  for (const { points_per_side, n_layers, downscale, sides } of primitives.layer_grids)
    assert.deepEqual(gridSides(points_per_side, n_layers, downscale), sides);
});

test('refuses a layer without points and states what to change', () => {
  assert.throws(() => gridSides(4, 3, 2), {
    code: 'InvalidInput',
    message: /crop layer 3 has no points.*4 points, factor 2, 3 layers.*increase `points-per-side`/,
  });
});

test('box suppression keeps the same boxes as torchvision, including ties', () => {
  const { boxes_xyxy, scores, cases } = primitives.nms;
  for (const { iou_threshold, keep } of cases)
    assert.deepEqual(suppressBoxes(boxes_xyxy, scores, iou_threshold), keep);
});

test('distinguishes boxes at an inner edge of a crop from those at an edge of the image', () => {
  const { crop_box, image_box, boxes_in_crop_xyxy, near } = primitives.box_near_crop_edge;
  const [left, top, right, bottom] = crop_box;
  const found = boxes_in_crop_xyxy.map(([x0, y0, x1, y1]) =>
    touchesCropEdge(
      [x0 + left, y0 + top, x1 + left, y1 + top],
      { left, top, right, bottom, layer: 1 },
      image_box,
    ),
  );
  assert.deepEqual(found, near);
});

test('fills small holes and removes small islands like the original', async () => {
  const cv = await loadOpenCv();
  for (const { mode, area_thresh, input, output, changed } of primitives.remove_small_regions) {
    const mask = decodeMask(rleOf(input));
    const cleaned = removeSmallRegions(cv, mask, input.size, area_thresh, mode);
    assert.deepEqual(encodeMask(cleaned, ...input.size), rleOf(output));
    assert.equal(cleaned !== mask, changed);
  }
});

test('run lengths, areas and boxes equal those of the original', () => {
  for (const { rows, rle, area, box_xyxy } of primitives.run_lengths) {
    const encoded = encodeMask(Uint8Array.from(rows.flat()), rows.length, rows[0].length);
    assert.deepEqual(encoded, rleOf(rle));
    assert.equal(areaOf(encoded), area);
    const [x, y, w, h] = bboxOf(encoded);
    assert.deepEqual([x, y, x + w, y + h], box_xyxy);
  }
});
