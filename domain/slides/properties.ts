import type { Mpp } from '../units.js';

/** Microscopes lie in here: 0.05 um is finer than any lens resolves, 10 um is a 1x lens. A print resolution tag such as 72 dpi gives 353 um. */
const PLAUSIBLE_MPP: readonly [number, number] = [0.05, 10];
const PLAUSIBLE_POWER: readonly [number, number] = [0.5, 200];

/** Property keys that micrometres per pixel are looked for under; OpenSlide fills them from every vendor's own. */
export const MPP_KEYS = ['openslide.mpp-x', 'openslide.mpp-y'] as const;
export const POWER_KEY = 'openslide.objective-power';

/** (x, y) at level 0; undefined where either is missing or implausible. */
export function mppOf(properties: Readonly<Record<string, string>>): readonly [Mpp, Mpp] | undefined {
  const [x, y] = MPP_KEYS.map((key) => plausible(properties[key], PLAUSIBLE_MPP));
  return x === undefined || y === undefined ? undefined : [x, y];
}

/** Magnification of the objective, such as 40; undefined where missing or implausible. */
export function objectivePowerOf(properties: Readonly<Record<string, string>>): number | undefined {
  return plausible(properties[POWER_KEY], PLAUSIBLE_POWER);
}

function plausible(text: string | undefined, [low, high]: readonly [number, number]): number | undefined {
  const value = Number.parseFloat(text ?? '');
  return value >= low && value <= high ? value : undefined;
}
