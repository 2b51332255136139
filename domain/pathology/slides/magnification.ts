import { SamMilError } from '../../errors.js';
import { nominalMagnification } from '../layouts/trident.js';
import { RESOLUTION_KEYS } from './properties.js';
import type { SlideInfo } from './slide.js';

/**
 * Returns the objective power of a slide: the stated one or, if missing, the nominal one for its µm per
 * pixel.
 * @throws SamMilError MissingMagnification naming the checked properties
 */
export function readMagnification({ objectivePower, mpp, properties }: SlideInfo, file: string): number {
  const power = objectivePower ?? (mpp && nominalMagnification((mpp[0] + mpp[1]) / 2));
  if (power !== undefined) return power;
  const looked = RESOLUTION_KEYS.map((key) => `${key} = ${properties[key] ?? 'absent'}`);
  throw new SamMilError('MissingMagnification', 'the slide does not state its magnification', {
    file,
    expected: "an objective power or µm per pixel; TRIDENT's layout requires it",
    found: looked.join(', '),
    next: 'run pathology.patch with `layout: trident` and `slide-mpp`, or use `layout: clam`',
  });
}
