import { readdirSync, readFileSync } from 'node:fs';
import type { Bbox } from '../../domain/files/run-length.js';
import { groupFrame, type GroupFrame, type GroupMask } from '../../domain/pathology/features/groups.js';
import { fixture } from './fixtures.js';

interface GroupJson {
  name: string;
  patch_size: number;
  level_downsamples: number[];
  vis_level: number;
  downsample_ratio: number;
  ds: number;
  p: number;
  start_x: number;
  start_y: number;
  image_w: number;
  image_h: number;
  dim: number;
  coords: [number, number][];
  masks: { area: number; bbox: Bbox; rle: { size: [number, number]; counts: number[] } }[];
  expected: {
    members: number[][];
    group_mask_indices: number[];
    relative_area: number[];
  };
}

export interface GroupCase extends GroupJson {
  flatCoords: Int32Array;
  frame: GroupFrame;
  groupMasks: GroupMask[];
}

export function groupCaseNames(): string[] {
  return readdirSync(fixture('groups'))
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length));
}

export function groupCase(name: string): GroupCase {
  const json = JSON.parse(readFileSync(fixture(`groups/${name}.json`), 'utf8')) as GroupJson;
  const image = { startX: json.start_x, startY: json.start_y, width: json.image_w, height: json.image_h };
  return {
    ...json,
    flatCoords: Int32Array.from(json.coords.flat()),
    frame: groupFrame(image, json.level_downsamples[json.vis_level], json.downsample_ratio, json.patch_size),
    groupMasks: json.masks.map(({ area, bbox, rle }) => ({
      area,
      bbox,
      rle: { size: rle.size, counts: Uint32Array.from(rle.counts) },
    })),
  };
}
