import { areaOf, bboxOf, encodeMask } from '../domain/files/run-length.js';
import { groupFrame, type GroupFrame, type GroupMask } from '../domain/pathology/features/groups.js';

/** Side of a patch, and of the grid's step, in level-0 pixels. */
const PATCH = 512;

/** A synthetic slide: adjacent patches, and masks as SAM returns them, many small and few large, nested and
 * overlapping. `peers/groups.py` makes the same. */
export interface GroupScene {
  coords: Int32Array;
  frame: GroupFrame;
  masks: GroupMask[];
}

export function groupScene(patches: number, masks: number): GroupScene {
  const across = Math.ceil(Math.sqrt(patches));
  const coords = Int32Array.from(
    { length: 2 * patches },
    (_, i) => PATCH * (i % 2 === 0 ? (i >> 1) % across : Math.floor(i / 2 / across)),
  );
  const downsample = 2 ** Math.ceil(Math.log2((across * PATCH) / 1024));
  const side = Math.floor((across * PATCH) / downsample);
  const frame = groupFrame({ startX: 0, startY: 0, width: side, height: side }, downsample, 1, PATCH);
  return { coords, frame, masks: Array.from({ length: masks }, (_, index) => ellipse(index, side)) };
}

/** A number from 0 to 1 per mask and property. */
function share(mask: number, quality: number): number {
  return ((mask * 7919 + quality * 104729 + 13) % 1009) / 1009;
}

function ellipse(index: number, side: number): GroupMask {
  const [x, y] = [share(index, 0) * side, share(index, 1) * side];
  const [across, down] = [2, 3].map((quality) => side * (0.01 + 0.25 * share(index, quality) ** 3));
  const pixels = new Uint8Array(side * side);
  for (let v = 0; v < side; v++) {
    for (let u = 0; u < side; u++) {
      const [a, b] = [(u - x) / across, (v - y) / down];
      if (a * a + b * b <= 1) pixels[v * side + u] = 1;
    }
  }
  const rle = encodeMask(pixels, side, side);
  return { rle, bbox: bboxOf(rle), area: areaOf(rle) };
}
