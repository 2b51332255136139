import type { Mpp } from '../../units.js';
import { OME_KEYS } from './ome.js';

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

/** All keys that state a resolution, for messages. */
export const RESOLUTION_KEYS: readonly string[] = [...MPP_PAIRS.flat(), ...POWER_KEYS];

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
  const powers = POWER_KEYS.map((key) => plausible(properties[key], PLAUSIBLE_POWER));
  return powers.find((power) => power !== undefined);
}

function plausible(text: string | undefined, [low, high]: readonly [number, number]): number | undefined {
  const value = Number.parseFloat(text ?? '');
  return value >= low && value <= high ? value : undefined;
}
