import { SamMilError } from '../../errors.js';
import { type Bbox, checkRuns, type Rle } from '../../files/run-length.js';

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
 * Checks that all masks have the size of the image and a box inside it.
 * @throws SamMilError InvalidInput naming the mask
 */
export function checkMasks(path: string, { info, masks }: Segments): void {
  masks.forEach(({ rle, bbox }, index) => {
    const [h, w] = rle.size;
    if (h !== info.h || w !== info.w) {
      throw new SamMilError('InvalidInput', `the size of mask ${index} differs from the image`, {
        file: path,
        expected: `${info.w} x ${info.h}`,
        found: `${w} x ${h}`,
      });
    }
    refused(path, () => checkRuns(rle), `mask ${index}: `);
    const [x, y, width, height] = bbox;
    if (x >= 0 && y >= 0 && width >= 0 && height >= 0 && x + width <= w && y + height <= h) return;
    throw new SamMilError('InvalidInput', `mask ${index} has a box outside the image`, {
      file: path,
      expected: `within ${w} x ${h}`,
      found: `x ${x}, y ${y}, w ${width}, h ${height}`,
    });
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
