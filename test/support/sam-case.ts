import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Rle } from '../../domain/files/run-length.js';
import { fixture } from './fixtures.js';
import type { SegmentParameters } from '../../domain/pathology/segment/segmenter/segmenter-parameters.js';

/** What the original generator made of image.png with the small model. */
export interface SamCase {
  parameters: Record<string, number>;
  stages: {
    crop_box_xyxy: [number, number, number, number];
    layer: number;
    candidates: number;
    after_pred_iou: number;
    after_stability: number;
    after_edge: number;
    after_box_nms: number;
    after_crop_nms: number;
  }[];
  masks_before_small_region_removal: number;
  masks_changed_by_small_region_removal: number | null;
  masks: {
    area: number;
    bbox: [number, number, number, number];
    predicted_iou: number;
    point_coords: [number, number][];
    stability_score: number;
    crop_box: [number, number, number, number];
    rle: RleJson;
    pixels_with_abs_logit_below_1e_3?: number;
  }[];
}

export interface RleJson {
  size: [number, number];
  counts: number[];
}

/**
 * crop, point, mask, iou, stability, box (x0, y0, x1, y1), area, stage it was dropped at, pixels near the
 * threshold.
 */
export type CandidateRow = [
  crop: number,
  point: number,
  mask: number,
  iou: number,
  stability: number | null,
  box: [number, number, number, number],
  area: number,
  stage: string,
  near: number | null,
];

export function samJson<T>(name: string): T {
  return JSON.parse(gunzipSync(readFileSync(fixture(`sam/${name}.json.gz`))).toString('utf8')) as T;
}

export function rleOf({ size, counts }: RleJson): Rle {
  return { size, counts: Uint32Array.from(counts) };
}

export function parametersOf(given: Record<string, number>): SegmentParameters {
  return {
    pointsPerSide: given.points_per_side,
    pointsPerBatch: given.points_per_batch,
    predIouThresh: given.pred_iou_thresh,
    stabilityScoreThresh: given.stability_score_thresh,
    stabilityScoreOffset: given.stability_score_offset,
    cropNLayers: given.crop_n_layers,
    cropNPointsDownscaleFactor: given.crop_n_points_downscale_factor,
    cropOverlapRatio: given.crop_overlap_ratio,
    boxNmsThresh: given.box_nms_thresh,
    cropNmsThresh: given.crop_nms_thresh,
    minMaskRegionArea: given.min_mask_region_area,
    regions: [],
  };
}
