import { areaOf, bboxOf, decodeMask, encodeMask } from '../../../files/run-length.js';
import { withMats, type OpenCv } from '../../../machine/opencv.js';
import { suppressBoxes } from './box-suppression.js';
import type { Candidate } from './candidate.js';

/** Column of the area in the five-column component table of OpenCV. */
const AREA = 4;
const STATISTICS = 5;
/** OpenCV's constant for 32-bit integers, which is missing in its type declarations. */
const CV_32S = 4;

/**
 * Fills holes or removes islands of fewer than `leastArea` pixels, with 8-connectivity. If all islands are
 * that small, the largest is kept (the first, if several are equal).
 *
 * @param mask height x width of 0 and 1
 * @returns the mask itself if nothing changed
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

/** Returns the first index of the maximum. */
function indexOfLargest(values: readonly number[]): number {
  return values.reduce((best, value, index) => (value > values[best] ? index : best), 0);
}

interface Components {
  /** Per pixel: 0, or the number of its component, from 1. */
  labels: Int32Array;
  areas: number[];
}

/** Labels connected pixels with the value `sought`. */
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
 * Last step of segment-anything if a minimum area is requested: removes small holes and islands from every
 * mask, then suppresses boxes again with unchanged masks first. It decodes one mask at a time.
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

/** Returns the same object if nothing changed. */
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
