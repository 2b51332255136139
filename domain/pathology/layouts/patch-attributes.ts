import { SamMilError } from '../../errors.js';
import type { AttributeValue } from '../../files/hdf5/h5.js';

const isSize = (value: unknown): boolean => typeof value === 'number' && value > 0 && Number.isFinite(value);

/** What of CLAM's and TRIDENT's attributes of `coords` is computed with: what each must be, where it is there. */
const WANTED: Readonly<Record<string, readonly [is: string, fits: (value: unknown) => boolean]>> = {
  patch_size: ['a number above 0', isSize],
  patch_size_level0: ['a number above 0', isSize],
  patch_level: [
    'a whole number, 0 or more',
    (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  ],
  downsample: [
    'numbers above 0',
    (value) => (Array.isArray(value) ? value.length === 2 && value.every(isSize) : isSize(value)),
  ],
};

/** Refuses sizes of patches that can be none. @throws SamMilError InvalidInput naming the attribute */
export function checkPatchAttributes(
  attributes: Readonly<Record<string, AttributeValue>>,
  file: string,
): void {
  for (const [name, [is, fits]] of Object.entries(WANTED)) {
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
