import { SamMilError } from '../../errors.js';
import type { PatchCoords } from '../layouts/bag-files.js';
import { squareMpp } from '../slides/properties.js';
import type { SlideInfo } from '../slides/slide.js';
import type { EncoderInfo } from './encoders/encoder.js';

/** Size and resolution of patches. */
export interface PatchScale {
  /** Side in pixels. */
  side: number;
  /** µm per pixel. */
  mpp: number;
}

/** Ratio within which lengths count as equal: 224 and 256 pixels do, and 0.25 and 0.23 µm per pixel. */
const EQUAL_WITHIN = 1.15;

/**
 * Describes how patches differ from those that an encoder was trained or evaluated on; undefined if they do
 * not. What counts is the tissue that a patch shows, because every patch is resized, and that it is not
 * coarser than any that the encoder has seen.
 */
export function unexpectedPatches(
  { name, expects }: Pick<EncoderInfo, 'name' | 'expects'>,
  found: PatchScale,
): string | undefined {
  if (expects === undefined) return undefined;
  const { side, mpp } = expects;
  const coarser = found.mpp > Math.max(...mpp) * EQUAL_WITHIN;
  if (!coarser && mpp.some((one) => isNear(found.side * found.mpp, side * one))) return undefined;
  const scales = mpp.length === 1 ? `${mpp[0]}` : `${mpp.slice(0, -1).join(', ')} or ${mpp.at(-1)}`;
  return `${name} expects patches of ${side} px at ${scales} µm per pixel; these are ${describe(found)}`;
}

function describe({ side, mpp }: PatchScale): string {
  return `${side} px at ${Number(mpp.toPrecision(3))} µm per pixel`;
}

function isNear(a: number, b: number): boolean {
  return Math.max(a / b, b / a) <= EQUAL_WITHIN;
}

/** Size and resolution of the patches of a slide; undefined if neither the patches nor the slide tell. */
export function scaleOfPatches(patches: PatchCoords, slide: SlideInfo, file: string): PatchScale | undefined {
  const { trident, patchSize, patchLevel } = patches;
  if (trident) return { side: trident.patchSize, mpp: 10 / trident.targetMagnification };
  const mpp = slide.mpp && knownMpp(slide.mpp, file);
  return mpp === undefined
    ? undefined
    : { side: patchSize, mpp: mpp * slide.levels[patchLevel].downsample[0] };
}

/** A warning is not worth a failure. */
function knownMpp(mpp: readonly [number, number], file: string): number | undefined {
  try {
    return squareMpp(mpp, file);
  } catch (error) {
    if (error instanceof SamMilError) return undefined;
    throw error;
  }
}
