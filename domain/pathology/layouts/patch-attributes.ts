import { SamMilError } from '../../errors.js';
import type { AttributeValue } from '../../files/hdf5/h5.js';

/** Largest side of a patch in pixels of its level; it takes 3 GB of RGB in memory. */
export const LARGEST_PATCH = 1 << 15;

/** Largest side of a slide, or of anything on it, in level-0 pixels. */
const LARGEST_SIDE = 2 ** 31 - 1;

type Check = readonly [is: string, fits: (value: AttributeValue) => boolean];

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isInteger = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;

const PATCH_SIDE: Check = [
  `an integer from 1 to ${LARGEST_PATCH}`,
  (value) => isInteger(value, 1, LARGEST_PATCH),
];
const SIDE: Check = ['an integer above 0', (value) => isInteger(value, 1, LARGEST_SIDE)];
const POSITIVE: Check = ['a number above 0', (value) => isNumber(value) && value > 0];

/** One positive number, or one for each axis. */
const PAIR: Check = [
  'numbers above 0',
  (value) =>
    Array.isArray(value)
      ? value.length === 2 && (value as AttributeValue[]).every(POSITIVE[1])
      : POSITIVE[1](value),
];

const BOX: Check = [
  'four integers: start x and y, then stop x and y above them',
  (value) => {
    if (!Array.isArray(value) || value.length !== 4) return false;
    const [startX, startY, stopX, stopY] = value as unknown[] as number[];
    return (
      isInteger(startX, 0, stopX - 1) &&
      isInteger(startY, 0, stopY - 1) &&
      isInteger(stopX, 1, LARGEST_SIDE) &&
      isInteger(stopY, 1, LARGEST_SIDE)
    );
  },
];

/**
 * Attributes of `coords` from CLAM, TRIDENT and sam-mil that enter computations, with a description and a
 * check of each.
 */
const CHECKED: Readonly<Record<string, Check>> = {
  patch_size: PATCH_SIDE,
  patch_size_level0: SIDE,
  patch_level: ['an integer from 0 to 63', (value) => isInteger(value, 0, 63)],
  downsample: PAIR,
  level_dim: [
    'two integers above 0',
    (value) => Array.isArray(value) && value.length === 2 && PAIR[1](value),
  ],
  level0_width: SIDE,
  level0_height: SIDE,
  level0_magnification: POSITIVE,
  target_magnification: POSITIVE,
  overlap: ['a number', isNumber],
  tissue_box: BOX,
};

/** Refuses impossible patch sizes. @throws SamMilError InvalidInput naming the attribute */
export function checkPatchAttributes(
  attributes: Readonly<Record<string, AttributeValue>>,
  file: string,
): void {
  for (const [name, [is, fits]] of Object.entries(CHECKED)) {
    const value = attributes[name];
    if (value === undefined || fits(value)) continue;
    const found = typeof value === 'number' ? String(value) : JSON.stringify(value);
    throw new SamMilError('InvalidInput', `attribute "${name}" of "coords" is malformed`, {
      file,
      expected: is,
      found,
    });
  }
}
