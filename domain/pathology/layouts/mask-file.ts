import { SamMilError } from '../../errors.js';
import { type AttributeValue, type H5Reader, withH5, writeH5 } from '../../files/hdf5/h5.js';
import { readCoords } from './patches-file.js';

/** Tissue of a slide: outlines in level-0 pixels and the binary mask they were traced from. */
export interface TissueMask {
  /** P x 2 (x, y) in level-0 pixels: all outlines, concatenated. */
  points: Int32Array;
  /** C + 1 entries: outline c has the points from offsets[c] to offsets[c + 1] (exclusive). */
  offsets: Int32Array;
  /** C entries: -1 for tissue, else the index of the outline that contains this hole. */
  parent: Int32Array;
  /** height x width at the segmentation level, row-major, 0 is background. */
  mask: Uint8Array;
  width: number;
  height: number;
  segLevel: number;
  /** Downsample of `segLevel` per axis. */
  downsample: readonly [number, number];
}

/** The mosaic of a slide's patches at low resolution. */
export interface Stitch {
  /** height x width x 3 RGB, row-major. */
  pixels: Uint8Array;
  width: number;
  height: number;
  /** Level-0 pixels per mosaic pixel and axis. */
  downsample: readonly [number, number];
}

/**
 * Writes `points` (int32 P x 2), `offsets` (int64), `parent` (int32), `mask` (uint8 H x W, deflated) with
 * attributes `seg_level`, `downsample`.
 */
export function writeMask(path: string, tissue: TissueMask): void {
  const { points, offsets, parent, mask, width, height } = tissue;
  checkOutlines(path, tissue);
  writeH5(path, (file) => {
    file.write('points', points, [points.length / 2, 2]);
    file.write('offsets', BigInt64Array.from(offsets, BigInt), [offsets.length]);
    file.write('parent', parent, [parent.length]);
    file.write('mask', mask, [height, width], {
      chunks: bands(height, width),
      gzip: 1,
      attributes: {
        seg_level: tissue.segLevel,
        downsample: { dtype: 'float64', value: tissue.downsample },
      },
    });
  });
}

/**
 * @throws SamMilError InvalidInput on missing datasets or wrong shapes; CountMismatch if offsets, points and
 * parents are inconsistent
 */
export function readMask(path: string): TissueMask {
  return withH5(path, (file) => {
    const { dtype, shape } = file.info('mask');
    if (shape.length !== 2 || !['uint8', 'bool'].includes(dtype)) {
      throw file.refusal('dataset "mask" is malformed', 'uint8 H x W', `${dtype} ${shape.join(' x ')}`);
    }
    const { seg_level: segLevel = 0, downsample } = file.attributes('mask');
    if (!Number.isInteger(segLevel) || (segLevel as number) < 0) {
      throw file.refusal('"seg_level" of "mask" is malformed', 'an integer of at least 0', String(segLevel));
    }
    const tissue: TissueMask = {
      points: readCoords(file, 'points'),
      offsets: file.readInt32('offsets'),
      parent: file.readInt32('parent'),
      mask: file.read('mask') as Uint8Array,
      width: shape[1],
      height: shape[0],
      segLevel: segLevel as number,
      downsample: readDownsample(file, downsample),
    };
    checkOutlines(path, tissue);
    return tissue;
  });
}

/**
 * Writes `stitch` (uint8 H x W x 3) with the attribute `downsample`. It is not compressed: compression would
 * save two thirds of at most 12 MB, which is little compared to the features, and would delay the patching of
 * small slides.
 */
export function writeStitch(path: string, { pixels, width, height, downsample }: Stitch): void {
  writeH5(path, (file) =>
    file.write('stitch', pixels, [height, width, 3], {
      attributes: { downsample: { dtype: 'float64', value: downsample } },
    }),
  );
}

/** @throws SamMilError InvalidInput on a missing dataset or a shape other than H x W x 3 */
export function readStitch(path: string): Stitch {
  return withH5(path, (file) => {
    const { dtype, shape } = file.info('stitch');
    if (shape.length !== 3 || shape[2] !== 3 || dtype !== 'uint8') {
      throw file.refusal('dataset "stitch" is malformed', 'uint8 H x W x 3', `${dtype} ${shape.join(' x ')}`);
    }
    const { downsample } = file.attributes('stitch');
    return {
      pixels: file.read('stitch') as Uint8Array,
      width: shape[1],
      height: shape[0],
      downsample: readDownsample(file, downsample),
    };
  });
}

function readDownsample(file: H5Reader, value: AttributeValue = [1, 1]): [number, number] {
  const pair: unknown[] = Array.isArray(value) ? value : [value, value];
  const [x, y] = pair.map(Number);
  if (pair.length === 2 && x > 0 && y > 0 && Number.isFinite(x * y)) return [x, y];
  throw file.refusal('"downsample" is malformed', 'two numbers above 0', pair.join(', '));
}

/** Chunks of whole rows, about 256 KiB each, because masks are read as a whole or in bands. */
function bands(height: number, width: number): number[] {
  const rows = Math.max(1, Math.floor((256 << 10) / Math.max(1, width)));
  return [Math.max(1, Math.min(rows, height)), Math.max(1, width)];
}

function checkOutlines(path: string, { points, offsets, parent }: TissueMask): void {
  const ordered = offsets.every((offset, index) => index === 0 || offset >= offsets[index - 1]);
  const whole =
    offsets.length === parent.length + 1 && offsets[0] === 0 && offsets.at(-1) === points.length / 2;
  if (ordered && whole) {
    const odd = parent.findIndex((outer, index) => outer < -1 || outer >= parent.length || outer === index);
    if (odd < 0) return;
    throw new SamMilError('InvalidInput', `outline ${odd} has an impossible parent`, {
      file: path,
      expected: `-1 or the index of another of the ${parent.length} outlines`,
      found: `${parent[odd]}`,
    });
  }
  throw new SamMilError('CountMismatch', 'the points, offsets and parents of the outlines do not match', {
    file: path,
    expected: 'one more offset than parents, ascending from 0 to the number of points',
    found: `${points.length / 2} points, ${offsets.length} offsets ending at ${offsets.at(-1)}, ${parent.length} parents`,
  });
}
