import type { Mpp } from '../../units.js';
import { OME_KEYS } from './ome.js';

/** Microscopes lie in here: 0.05 um is finer than any lens resolves, 10 um is a 1x lens. A print resolution tag such as 72 dpi gives 353 um. */
const PLAUSIBLE_MPP: readonly [number, number] = [0.05, 10];
const PLAUSIBLE_POWER: readonly [number, number] = [0.5, 200];

/**
 * Property keys that micrometres per pixel (x, y) are looked for under, the first plausible pair counting: OpenSlide fills its own from every
 * vendor's, but for OME-XML, which says what TIFF's resolution tags often do not.
 */
const MPP_PAIRS = [
  [OME_KEYS.mppX, OME_KEYS.mppY],
  ['openslide.mpp-x', 'openslide.mpp-y'],
] as const;
const POWER_KEYS = [OME_KEYS.power, 'openslide.objective-power'] as const;

/** All keys that tell how large pixels are, for messages. */
export const RESOLUTION_KEYS: readonly string[] = [...MPP_PAIRS.flat(), ...POWER_KEYS];

type Properties = Readonly<Record<string, string>>;

/** (x, y) at level 0; undefined where either is missing or implausible. */
export function mppOf(properties: Properties): readonly [Mpp, Mpp] | undefined {
  for (const keys of MPP_PAIRS) {
    const [x, y] = keys.map((key) => plausible(properties[key], PLAUSIBLE_MPP));
    if (x !== undefined && y !== undefined) return [x, y];
  }
  return undefined;
}

/** Magnification of the objective, such as 40; undefined where missing or implausible. */
export function objectivePowerOf(properties: Properties): number | undefined {
  const powers = POWER_KEYS.map((key) => plausible(properties[key], PLAUSIBLE_POWER));
  return powers.find((power) => power !== undefined);
}

function plausible(text: string | undefined, [low, high]: readonly [number, number]): number | undefined {
  const value = Number.parseFloat(text ?? '');
  return value >= low && value <= high ? value : undefined;
}
