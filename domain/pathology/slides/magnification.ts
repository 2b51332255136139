import { SamMilError } from '../../errors.js';
import { nominalMagnification } from '../layouts/trident.js';
import { lookedAt, squareMpp } from './properties.js';
import type { SlideInfo } from './slide.js';

/** Ratio within which a stated objective power and µm per pixel agree. */
const AGREE_WITHIN = 1.35;

/**
 * Returns the objective power of a slide: the stated one or, if it is missing or does not fit the µm per
 * pixel (a scanner that takes 0.234 µm per pixel with a 20x objective), the nominal one for its µm per pixel.
 * @throws SamMilError MissingMagnification naming the checked properties
 */
export function readMagnification(info: SlideInfo, file: string): number {
  const { objectivePower, mpp } = info;
  const nominal = mpp && nominalMagnification(squareMpp(mpp, file));
  const fits =
    mpp !== undefined && objectivePower !== undefined && isNear(10 / squareMpp(mpp, file), objectivePower);
  const power = fits ? objectivePower : (nominal ?? objectivePower);
  if (power !== undefined) return power;
  throw new SamMilError('MissingMagnification', 'the slide does not state its magnification', {
    file,
    expected: "an objective power or µm per pixel; TRIDENT's layout requires it",
    found: lookedAt(info),
    next: 'run pathology.patch with `layout: trident` and `slide-mpp`, or use `layout: clam`',
  });
}

function isNear(measured: number, stated: number): boolean {
  return Math.max(measured / stated, stated / measured) <= AGREE_WITHIN;
}
