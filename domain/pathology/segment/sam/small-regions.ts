import { areaOf, bboxOf, decodeMask, encodeMask } from '../../../files/run-length.js';
import { withMats, type OpenCv } from '../../../machine/opencv.js';
import { suppressBoxes } from './box-suppression.js';
import type { Candidate } from './candidate.js';

/** Column of the area in OpenCV's table of components, which has five. */
const AREA = 4;
const STATISTICS = 5;
/** OpenCV's number for 32-bit whole values; its type declarations leave it out. */
const CV_32S = 4;

/**
 * Fills holes, or takes away islands, of fewer than `leastArea` pixels; pixels that touch at a corner belong together (8-connected). Where every island
 * is that small the largest stays, the first of equal ones.
 *
 * @param mask height x width of 0 and 1
 * @returns the mask itself where nothing had to be done
 */
export function removeSmallRegions(
  cv: OpenCv,
  mask: Uint8Array,
  [height, width]: readonly [number, number],
  leastArea: number,
  what: 'holes' | 'islands',
): Uint8Array {
  const sought = what === 'holes' ? 0 : 1;
  const { labels, areas } = components(cv, mask, sought, [height, width]);
  const isSmall = Uint8Array.from([0, ...areas.map((area) => (area < leastArea ? 1 : 0))]);
  if (!isSmall.includes(1)) return mask;
  if (what === 'islands' && !isSmall.includes(0, 1)) isSmall[1 + indexOfLargest(areas)] = 0;
  const cleaned = mask.slice();
  for (let i = 0; i < cleaned.length; i++) if (isSmall[labels[i]] === 1) cleaned[i] = 1 - sought;
  return cleaned;
}

/** The first of equal ones. */
function indexOfLargest(values: readonly number[]): number {
  return values.reduce((best, value, index) => (value > values[best] ? index : best), 0);
}

interface Components {
  /** Per pixel: 0, or the number of its component from 1. */
  labels: Int32Array;
  areas: number[];
}

/** Connected pixels that have the value `sought`. */
function components(
  cv: OpenCv,
  mask: Uint8Array,
  sought: 0 | 1,
  [height, width]: readonly [number, number],
): Components {
  return withMats((keep) => {
    const image = keep(new cv.Mat(height, width, cv.CV_8UC1));
    const pixels = image.data;
    for (let i = 0; i < pixels.length; i++) pixels[i] = mask[i] === sought ? 1 : 0;
    const [labels, statistics, centroids] = [keep(new cv.Mat()), keep(new cv.Mat()), keep(new cv.Mat())];
    const count = cv.connectedComponentsWithStats(image, labels, statistics, centroids, 8, CV_32S);
    const table = statistics.data32S;
    const areas = Array.from({ length: count - 1 }, (_, i) => table[STATISTICS * (i + 1) + AREA]);
    return { labels: labels.data32S.slice(), areas };
  });
}

/**
 * segment-anything's last step where a least area is asked for: every mask loses its small holes and islands, then boxes are suppressed once more, masks
 * that did not change coming first. One mask at a time is decoded.
 *
 * @param threshold box overlap above which a mask is dropped
 */
export function cleanMasks<T extends Candidate>(
  cv: OpenCv,
  masks: readonly T[],
  leastArea: number,
  threshold: number,
): T[] {
  const cleaned = masks.map((mask) => cleanMask(cv, mask, leastArea));
  const scores = cleaned.map((mask, i) => (mask === masks[i] ? 1 : 0));
  const boxes = cleaned.map((mask) => mask.box);
  return suppressBoxes(boxes, scores, threshold).map((index) => cleaned[index]);
}

/** The same object where nothing changed. */
function cleanMask<T extends Candidate>(cv: OpenCv, mask: T, leastArea: number): T {
  const { size } = mask.rle;
  const given = decodeMask(mask.rle);
  const filled = removeSmallRegions(cv, given, size, leastArea, 'holes');
  const cleaned = removeSmallRegions(cv, filled, size, leastArea, 'islands');
  if (cleaned === given) return mask;
  const rle = encodeMask(cleaned, size[0], size[1]);
  const [x, y, w, h] = bboxOf(rle);
  return { ...mask, rle, area: areaOf(rle), box: [x, y, x + w, y + h] };
}
