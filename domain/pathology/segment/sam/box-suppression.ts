import type { CropBox } from './crop-boxes.js';

/** First and last set pixel of a mask in each direction: x0, y0, x1, y1. */
export type PixelBox = [x0: number, y0: number, x1: number, y1: number];

/** A box within this many pixels of an edge of its crop was probably cut off by it. */
const EDGE_TOLERANCE = 20;

/**
 * Non-maximum suppression as in torchvision, in single precision: boxes by descending score, ties in input
 * order. Each kept box drops the later ones whose intersection over union with it is above `threshold`.
 *
 * @returns indices of the kept boxes, by descending score
 */
export function suppressBoxes(
  boxes: readonly PixelBox[],
  scores: readonly number[],
  threshold: number,
): number[] {
  const order = [...boxes.keys()].sort((a, b) => scores[b] - scores[a] || a - b);
  const areas = boxes.map(([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0));
  const dropped = new Uint8Array(boxes.length);
  const kept: number[] = [];
  order.forEach((best, rank) => {
    if (dropped[best] === 1) return;
    kept.push(best);
    for (let later = rank + 1; later < order.length; later++) {
      const other = order[later];
      if (dropped[other] === 1) continue;
      const shared = intersection(boxes[best], boxes[other]);
      if (Math.fround(shared / (areas[best] + areas[other] - shared)) > threshold) dropped[other] = 1;
    }
  });
  return kept;
}

function intersection(a: PixelBox, b: PixelBox): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return width > 0 && height > 0 ? width * height : 0;
}

/**
 * Returns whether a box (in image pixels) is within 20 pixels of an edge of its crop that is not an edge of
 * the image.
 */
export function touchesCropEdge(box: PixelBox, crop: CropBox, image: PixelBox): boolean {
  const edges = [crop.left, crop.top, crop.right, crop.bottom];
  return box.some(
    (value, side) =>
      Math.abs(value - edges[side]) <= EDGE_TOLERANCE && Math.abs(value - image[side]) > EDGE_TOLERANCE,
  );
}
