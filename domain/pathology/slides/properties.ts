import type { Mpp } from '../../units.js';
import { SamMilError } from '../../errors.js';
import { readDecimal } from '../../files/decimal.js';
import { OME_KEYS } from './ome.js';
import type { SlideInfo } from './slide.js';

/**
 * Plausible range for microscopes: 0.05 µm is finer than any lens resolves, and 10 µm is a 1x lens. A print
 * resolution of 72 dpi would be 353 µm.
 */
const PLAUSIBLE_MPP: readonly [number, number] = [0.05, 10];
const PLAUSIBLE_POWER: readonly [number, number] = [0.5, 200];

/**
 * Property keys of µm per pixel (x, y). The first plausible pair applies. OpenSlide fills its own keys from
 * those of all vendors except OME-XML, which is often more reliable than the resolution tags of TIFF.
 */
const MPP_PAIRS = [
  [OME_KEYS.mppX, OME_KEYS.mppY],
  ['openslide.mpp-x', 'openslide.mpp-y'],
] as const;
const POWER_KEYS = [OME_KEYS.power, 'openslide.objective-power'] as const;

/** All keys that state a resolution. */
const RESOLUTION_KEYS: readonly string[] = [...MPP_PAIRS.flat(), ...POWER_KEYS];

type Properties = Readonly<Record<string, string>>;

/** Reads µm per pixel (x, y) at level 0; undefined if either is missing or implausible. */
export function readMpp(properties: Properties): readonly [Mpp, Mpp] | undefined {
  for (const keys of MPP_PAIRS) {
    const [x, y] = keys.map((key) => plausible(properties[key], PLAUSIBLE_MPP));
    if (x !== undefined && y !== undefined) return [x, y];
  }
  return undefined;
}

/** Reads the magnification of the objective, such as 40; undefined if missing or implausible. */
export function readObjectivePower(properties: Properties): number | undefined {
  const powers = POWER_KEYS.map((key) =>
    plausible(properties[key]?.replace(/[x×]\s*$/i, ''), PLAUSIBLE_POWER),
  );
  return powers.find((power) => power !== undefined);
}

function plausible(text: string | undefined, [low, high]: readonly [number, number]): number | undefined {
  const value = readDecimal(text);
  return value !== undefined && value >= low && value <= high ? value : undefined;
}

/**
 * Relative difference of both axes within which pixels count as square. Scanners differ by a few per mille,
 * and a patch that is 2 % longer than wide looks the same to an encoder.
 */
const MOST_OBLONG = 0.02;

/**
 * Returns µm per pixel of square pixels: the mean of both axes.
 * @throws SamMilError UnsupportedFormat for pixels that are not square
 */
export function squareMpp(mpp: readonly [Mpp, Mpp], file: string): Mpp {
  const [x, y] = mpp;
  if (Math.abs(x / y - 1) <= MOST_OBLONG) return (x + y) / 2;
  throw new SamMilError('UnsupportedFormat', 'the pixels of the slide are not square', {
    file,
    expected: 'the same µm per pixel in x and y, within 2 %',
    found: `${x} µm in x, ${y} µm in y`,
    next: 'set `slide-mpp` if the file is wrong, or resample the slide to square pixels',
  });
}

/** Lists the keys that state a resolution with their values, then those that are missing, for messages. */
export function lookedAt({ properties }: Pick<SlideInfo, 'properties'>): string {
  const stated = RESOLUTION_KEYS.filter((key) => key in properties);
  const shown = stated.map((key) => `${key} = ${properties[key]}`).join(', ');
  const missing = RESOLUTION_KEYS.filter((key) => !(key in properties)).join(', ');
  if (missing === '') return shown;
  return shown === '' ? `none of ${missing}` : `${shown}; none of ${missing}`;
}
