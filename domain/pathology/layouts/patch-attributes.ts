import { SamMilError } from '../../errors.js';
import type { AttributeValue } from '../../files/hdf5/h5.js';

const isSize = (value: unknown): boolean => typeof value === 'number' && value > 0 && Number.isFinite(value);

/**
 * Attributes of `coords` from CLAM and TRIDENT that enter computations, with a description and a check of
 * each.
 */
const CHECKED: Readonly<Record<string, readonly [is: string, fits: (value: unknown) => boolean]>> = {
  patch_size: ['a number above 0', isSize],
  patch_size_level0: ['a number above 0', isSize],
  patch_level: ['an integer of at least 0', (value) => Number.isSafeInteger(value) && (value as number) >= 0],
  downsample: [
    'numbers above 0',
    (value) => (Array.isArray(value) ? value.length === 2 && value.every(isSize) : isSize(value)),
  ],
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
