import { SamMilError } from '../../errors.js';
import { areaOf, type Bbox, checkRuns, type Rle } from '../../files/run-length.js';

/** Position and scale of the segmented image. */
export interface SegmentsInfo {
  /** Patch side of the slide in level-0 pixels. */
  patchSize: number;
  /** Bounding box of all tissue in level-0 pixels. */
  startX: number;
  startY: number;
  stopX: number;
  stopY: number;
  /** Width and height of the segmented image in its own pixels. */
  w: number;
  h: number;
  /** Pyramid level that the image was read from. */
  visLevel: number;
  /** Further reduction after reading. */
  downsampleRatio: number;
}

/** One mask as described by SAM's automatic generator, in pixels of the segmented image. */
export interface SegmentMask {
  rle: Rle;
  area: number;
  bbox: Bbox;
  predictedIou: number;
  pointCoords: [number, number][];
  stabilityScore: number;
  cropBox: [x: number, y: number, w: number, h: number];
}

export interface Segments {
  info: SegmentsInfo;
  masks: SegmentMask[];
}

const INFO_KEYS: Readonly<Record<keyof SegmentsInfo, string>> = {
  patchSize: 'patch_size',
  startX: 'start_x',
  startY: 'start_y',
  stopX: 'stop_x',
  stopY: 'stop_y',
  w: 'w',
  h: 'h',
  visLevel: 'vis_level',
  downsampleRatio: 'downsample_ratio',
};

/** Lists the entries of the info dict with the keys and order of SAM-MIL. */
export function infoEntries(info: SegmentsInfo): [string, number][] {
  return (Object.entries(INFO_KEYS) as [keyof SegmentsInfo, string][]).map(([key, name]) => [
    name,
    info[key],
  ]);
}

/** @throws RangeError naming a key that is missing or not a number */
export function parseInfo(value: (name: string) => unknown): SegmentsInfo {
  const number = (key: keyof SegmentsInfo): number => {
    const found = value(INFO_KEYS[key]);
    if (typeof found === 'number' && Number.isFinite(found)) return found;
    throw new RangeError(`lacks the number "${INFO_KEYS[key]}" in the facts about its image`);
  };
  return {
    patchSize: number('patchSize'),
    startX: number('startX'),
    startY: number('startY'),
    stopX: number('stopX'),
    stopY: number('stopY'),
    w: number('w'),
    h: number('h'),
    visLevel: number('visLevel'),
    downsampleRatio: number('downsampleRatio'),
  };
}

/**
 * Checks that the facts about the image are possible and that all masks fit it: their size, their area, the
 * boxes inside it, and finite scores.
 * @throws SamMilError InvalidInput naming the fact or the mask
 */
export function checkSegments(path: string, segments: Segments): void {
  const { info, masks } = segments;
  for (const [key, is, fits] of INFO_CHECKS) {
    if (fits(info)) continue;
    throw impossible(path, `"${INFO_KEYS[key]}" of the image`, is, String(info[key]));
  }
  masks.forEach((mask, index) => {
    const [h, w] = mask.rle.size;
    if (h !== info.h || w !== info.w) {
      throw new SamMilError('InvalidInput', `the size of mask ${index} differs from the image`, {
        file: path,
        expected: `${info.w} x ${info.h}`,
        found: `${w} x ${h}`,
      });
    }
    refused(path, () => checkRuns(mask.rle), `mask ${index}: `);
    checkFacts(path, mask, index);
  });
}

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 1;

/** Name of a fact, what it must be, and the check. */
const INFO_CHECKS: readonly [keyof SegmentsInfo, string, (info: SegmentsInfo) => boolean][] = [
  ['patchSize', 'an integer of at least 1', ({ patchSize }) => isCount(patchSize)],
  ['startX', 'an integer of at least 0', ({ startX }) => isCount(startX + 1)],
  ['startY', 'an integer of at least 0', ({ startY }) => isCount(startY + 1)],
  ['stopX', 'an integer above start_x', ({ startX, stopX }) => isCount(stopX - startX)],
  ['stopY', 'an integer above start_y', ({ startY, stopY }) => isCount(stopY - startY)],
  ['w', 'an integer of at least 1', ({ w }) => isCount(w)],
  ['h', 'an integer of at least 1', ({ h }) => isCount(h)],
  ['visLevel', 'an integer of at least 0', ({ visLevel }) => isCount(visLevel + 1)],
  ['downsampleRatio', 'a number above 0', ({ downsampleRatio }) => downsampleRatio > 0],
];

function checkFacts(path: string, mask: SegmentMask, index: number): void {
  const { rle, area, predictedIou, stabilityScore, pointCoords } = mask;
  const name = `mask ${index}`;
  if (area !== areaOf(rle)) throw impossible(path, `the area of ${name}`, `${areaOf(rle)} pixels`, `${area}`);
  for (const [what, box] of [
    ['box', mask.bbox],
    ['crop box', mask.cropBox],
  ] as const) {
    requireInside(path, `${name} has a ${what} outside the image`, box, rle.size);
  }
  const scores = { 'predicted IoU': predictedIou, 'stability score': stabilityScore };
  for (const [what, score] of Object.entries(scores)) {
    if (!Number.isFinite(score))
      throw impossible(path, `the ${what} of ${name}`, 'a finite number', `${score}`);
  }
  const point = pointCoords.find((xy) => !xy.every(Number.isFinite));
  if (point) throw impossible(path, `a prompt point of ${name}`, 'finite coordinates', point.join(', '));
}

function requireInside(path: string, what: string, [x, y, width, height]: Bbox, [h, w]: Rle['size']): void {
  if (x >= 0 && y >= 0 && width >= 0 && height >= 0 && x + width <= w && y + height <= h) return;
  throw new SamMilError('InvalidInput', what, {
    file: path,
    expected: `within ${w} x ${h}`,
    found: `x ${x}, y ${y}, w ${width}, h ${height}`,
  });
}

function impossible(file: string, what: string, expected: string, found: string): SamMilError {
  return new SamMilError('InvalidInput', `${what} is impossible`, {
    file,
    expected,
    found,
    next: 'the file is damaged: create it again',
  });
}

/** Runs a check and converts its RangeError to an error that names the file. */
export function refused<T>(path: string, check: () => T, prefix = ''): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof RangeError)
      throw new SamMilError('InvalidInput', prefix + error.message, { file: path });
    throw error;
  }
}
