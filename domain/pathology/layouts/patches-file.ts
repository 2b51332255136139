import { toInt64 } from '../../files/tensor.js';
import type { Level0Px } from '../../units.js';
import { SamMilError } from '../../errors.js';
import {
  type AttributeInput,
  type AttributeValue,
  type H5Reader,
  withH5,
  writeH5,
} from '../../files/hdf5/h5.js';
import type { Box } from './tissue-box.js';
import { checkPatchAttributes } from './patch-attributes.js';
import { readTridentFacts, tridentAttributes, type TridentFacts } from './trident.js';

/** Patch positions of a slide, as in CLAM's `patches/<slide>.h5`. */
export interface PatchCoords {
  /** N x 2 (x, y), row-major: top-left corners in level-0 pixels. */
  coords: Int32Array;
  /** Side of a patch in pixels of `patchLevel`. */
  patchSize: number;
  patchLevel: number;
  /** Downsample of `patchLevel` per axis. */
  downsample: readonly [number, number];
  /** Width and height of `patchLevel`: both `level_dim` and `downsampled_level_dim` of CLAM. */
  levelDim: readonly [number, number];
  /** Width and height of level 0; 0, 0 if the file does not state them. */
  level0Dim: readonly [Level0Px, Level0Px];
  /** Slide name without extension. */
  name: string;
  /** Save folder of CLAM, kept for its scripts. */
  savePath: string;
  /**
   * Box of the tissue that the patches were cut from, which is the segmented area; absent in files of other
   * tools.
   */
  tissueBox?: Box;
  /** Set if the file has the attributes of TRIDENT. */
  trident?: TridentFacts;
}

/**
 * Writes `coords` (int64, N x 2, growable as in CLAM) with the attributes of CLAM and, if `trident` is set,
 * of TRIDENT, whose `patch_size` is in pixels at the target magnification.
 */
export function writePatches(path: string, patches: PatchCoords): void {
  const { coords } = patches;
  writeH5(path, (file) =>
    file.write('coords', toInt64(coords), [coords.length / 2, 2], {
      resizable: true,
      attributes: patchesAttributes(patches),
    }),
  );
}

function patchesAttributes(patches: PatchCoords): Record<string, AttributeInput> {
  const { name, savePath, levelDim, level0Dim, tissueBox, trident } = patches;
  return {
    patch_size: patches.patchSize,
    patch_level: patches.patchLevel,
    downsample: { dtype: 'float64', value: patches.downsample },
    downsampled_level_dim: levelDim,
    level_dim: levelDim,
    name,
    save_path: savePath,
    ...(tissueBox && { tissue_box: [tissueBox.startX, tissueBox.startY, tissueBox.stopX, tissueBox.stopY] }),
    ...(trident && tridentAttributes(trident, { name, folder: savePath, level0Dim })),
  };
}

/**
 * Reads a patches file. Files of CLAM require only the attributes `patch_size` and `patch_level`; missing
 * others get neutral values. In files of TRIDENT, patches are on level 0 and have the size
 * `patch_size_level0`.
 * @throws SamMilError InvalidInput on a missing dataset, a shape other than N x 2, values that are not
 * integers, missing or malformed attributes
 */
export function readPatches(path: string): PatchCoords {
  return withH5(path, (file) => {
    const coords = readCoords(file);
    const attributes = file.attributes('coords');
    checkPatchAttributes(attributes, file.path);
    const number = (key: string): number => numberAttribute(file, attributes, key);
    const pair = (key: string, otherwise: readonly [number, number]): [number, number] =>
      pairAttribute(file, attributes, key, otherwise);
    const text = (key: string): string => (typeof attributes[key] === 'string' ? attributes[key] : '');
    const trident = readTridentFacts(attributes);
    const downsample = pair('downsample', [1, 1]);
    const optional = (key: string): number => (typeof attributes[key] === 'number' ? attributes[key] : 0);
    const stated = readLevel0Dim(attributes);
    const level0 = stated ?? [0, 0];
    const tissueBox = parseBox(attributes.tissue_box);
    // Another level's size, scaled to level 0, may be a few pixels too small.
    const exact = attributes.level0_width !== undefined || !attributes.patch_level;
    requireCorners(file, coords, exact ? stated : undefined);
    return {
      coords,
      patchSize: trident ? Math.round(trident.patchSizeLevel0 / downsample[0]) : number('patch_size'),
      patchLevel: trident ? optional('patch_level') : number('patch_level'),
      downsample,
      levelDim: pair('level_dim', level0),
      level0Dim: level0,
      name: text('name'),
      savePath: text('save_path') || text('savetodir'),
      ...(tissueBox && { tissueBox }),
      ...(trident && { trident }),
    };
  });
}

function parseBox(value: AttributeValue | undefined): Box | undefined {
  if (!Array.isArray(value) || value.length !== 4) return undefined;
  const [startX, startY, stopX, stopY] = (value as unknown[]).map(Number);
  return { startX, startY, stopX, stopY };
}

/**
 * Returns the width and height of level 0 from the attributes of a file. TRIDENT states them; CLAM states the
 * size of the patch level, which its downsample scales to level 0. Undefined if the attributes do not state
 * them.
 */
export function readLevel0Dim(
  attributes: Readonly<Record<string, AttributeValue>>,
): readonly [Level0Px, Level0Px] | undefined {
  const { level0_width: width, level0_height: height, level_dim: dim, downsample } = attributes;
  const stated = readSize([width, height]);
  if (stated) return stated;
  const ofLevel = readSize(dim);
  if (attributes.patch_level === 0 || attributes.patch_level === undefined) return ofLevel;
  const factors = readSize(typeof downsample === 'number' ? [downsample, downsample] : downsample);
  return ofLevel && factors && [Math.round(ofLevel[0] * factors[0]), Math.round(ofLevel[1] * factors[1])];
}

function readSize(pair: unknown): readonly [number, number] | undefined {
  if (!Array.isArray(pair) || pair.length !== 2) return undefined;
  const [x, y] = pair as unknown[];
  return typeof x === 'number' && typeof y === 'number' && x > 0 && y > 0 ? [x, y] : undefined;
}

/**
 * Reads the dataset `coords` as N x 2 int32 (or 1 x N x 2).
 * @throws SamMilError InvalidInput on any other shape, on fractions, or on negative positions other than the
 * -1, -1 of group rows
 */
export function readCoords(file: H5Reader, name = 'coords'): Int32Array {
  const { shape } = file.info(name);
  const flat = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  if (flat.length !== 2 || flat[1] !== 2) {
    throw file.refusal(`dataset "${name}" has the wrong shape`, 'N x 2', shape.join(' x ') || 'a scalar');
  }
  const coords = file.readInt32(name);
  const bad = coords.findIndex((value, i) => value < 0 && !(value === -1 && coords[i ^ 1] === -1));
  if (bad < 0) return coords;
  const row = bad >> 1;
  throw file.refusal(
    `row ${row} of "${name}" has an impossible position`,
    'at least 0, or -1, -1 for a group row',
    `${coords[2 * row]}, ${coords[2 * row + 1]}`,
  );
}

/** @param size of level 0, if the file states it exactly */
function requireCorners(file: H5Reader, coords: Int32Array, size?: readonly [Level0Px, Level0Px]): void {
  const [width, height] = size ?? [Infinity, Infinity];
  for (let i = 0; i < coords.length; i += 2) {
    const [x, y] = [coords[i], coords[i + 1]];
    if (x >= 0 && y >= 0 && x < width && y < height) continue;
    throw file.refusal(
      `patch ${i / 2} is outside the slide that the file describes`,
      size ? `coordinates within ${width} x ${height}` : 'coordinates of at least 0',
      `${x}, ${y}`,
    );
  }
}

function numberAttribute(file: H5Reader, attributes: Record<string, AttributeValue>, key: string): number {
  const value = attributes[key];
  if (typeof value === 'number') return value;
  const found =
    value === undefined ? Object.keys(attributes).join(', ') || 'no attributes' : JSON.stringify(value);
  throw new SamMilError('InvalidInput', `dataset "coords" lacks the attribute "${key}"`, {
    file: file.path,
    expected: 'a number',
    found,
  });
}

function pairAttribute(
  file: H5Reader,
  attributes: Record<string, AttributeValue>,
  key: string,
  otherwise: readonly [number, number],
): [number, number] {
  const value = attributes[key];
  if (value === undefined) return [...otherwise];
  // TRIDENT and some forks of CLAM store one number for both axes.
  if (typeof value === 'number') return [value, value];
  if (Array.isArray(value) && value.length === 2 && value.every((item) => typeof item === 'number')) {
    return [value[0], value[1]];
  }
  throw file.refusal(`attribute "${key}" of "coords" is malformed`, 'two numbers', JSON.stringify(value));
}
