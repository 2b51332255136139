import { SamMilError } from '../../errors.js';
import { nominalMagnification } from '../layouts/trident.js';
import { RESOLUTION_KEYS } from './properties.js';
import type { SlideInfo } from './slide.js';

/**
 * Objective power that a slide was scanned with: what it says, else the one people call its micrometres a pixel by.
 * @throws SamMilError MissingMagnification naming the properties that were looked at
 */
export function magnificationOf({ objectivePower, mpp, properties }: SlideInfo, file: string): number {
  const power = objectivePower ?? (mpp && nominalMagnification((mpp[0] + mpp[1]) / 2));
  if (power !== undefined) return power;
  const looked = RESOLUTION_KEYS.map((key) => `${key} = ${properties[key] ?? 'absent'}`);
  throw new SamMilError(
    'MissingMagnification',
    'the slide does not say which objective it was scanned with',
    {
      file,
      expected: "an objective power or micrometres per pixel: TRIDENT's layout states it",
      found: looked.join(', '),
      next: 'cut its patches with `layout: trident` and `slide-mpp`, or keep `layout: clam`',
    },
  );
}
