import type { Level0Px } from '../../units.js';
import type { AttributeInput, AttributeValue } from '../../files/hdf5/h5.js';

/**
 * Facts that TRIDENT stores about patches as attributes of `coords` (in coords_to_h5 and extract_features, as
 * of commit a91fa84). Magnifications are nominal objective powers; their ratio is exact.
 */
export interface TridentFacts {
  /** Side of a patch in pixels at the target magnification. */
  patchSize: number;
  patchSizeLevel0: Level0Px;
  level0Magnification: number;
  targetMagnification: number;
  /** Overlap of neighboring patches in pixels at the target magnification. */
  overlap: number;
}

/** Nominal objective powers, and the µm per pixel below which a scan counts as each of them. */
const NOMINAL: readonly (readonly [power: number, below: number])[] = [
  [80, 0.16],
  [60, 0.2],
  [40, 0.3],
  [20, 0.6],
  [10, 1.2],
  [5, 2.4],
];

/**
 * Returns the nominal objective power of a resolution (40 for 0.2527 µm per pixel); undefined for resolutions
 * coarser than all.
 */
export function nominalMagnification(mpp: number): number | undefined {
  return NOMINAL.find(([, below]) => mpp < below)?.[0];
}

/** Relative difference that comes from rounding patches to whole pixels. */
const ROUNDED_WITHIN = 0.005;

/**
 * Computes TRIDENT's facts for patches that are read at a size other than the requested one.
 * @param requested sides in pixels at the requested resolution; `patchSizeLevel0` is the side that is read
 * @param targetMagnification that was requested, if any; level 0 has the one that it implies if the named one
 *   does not fit, as for a 20x objective at 0.234 µm per pixel
 */
export function tridentFacts(
  requested: { patchSize: number; stepSize: number },
  patchSizeLevel0: Level0Px,
  level0Magnification: number,
  targetMagnification?: number,
): TridentFacts {
  const { patchSize, stepSize } = requested;
  const overlap = patchSize - stepSize;
  if (targetMagnification !== undefined) {
    const stated = (targetMagnification * patchSizeLevel0) / patchSize;
    const fits = Math.abs(stated / level0Magnification - 1) < ROUNDED_WITHIN;
    return {
      patchSize,
      patchSizeLevel0,
      level0Magnification: fits ? level0Magnification : stated,
      targetMagnification,
      overlap,
    };
  }
  const exact = (level0Magnification * patchSize) / patchSizeLevel0;
  const whole = Math.round(exact);
  return {
    patchSize,
    patchSizeLevel0,
    level0Magnification,
    // Ignore scanner values such as 4.0007 and the rounding of patches to whole pixels.
    targetMagnification: whole > 0 && Math.abs(exact - whole) / whole < ROUNDED_WITHIN ? whole : exact,
    overlap,
  };
}

export function tridentAttributes(
  facts: TridentFacts,
  { name, folder, level0Dim }: { name: string; folder: string; level0Dim?: readonly [Level0Px, Level0Px] },
): Record<string, AttributeInput> {
  return {
    patch_size: facts.patchSize,
    patch_size_level0: facts.patchSizeLevel0,
    level0_magnification: facts.level0Magnification,
    target_magnification: facts.targetMagnification,
    overlap: facts.overlap,
    name,
    savetodir: folder,
    ...(level0Dim && level0Dim[0] > 0 ? { level0_width: level0Dim[0], level0_height: level0Dim[1] } : {}),
  };
}

/** Reads the facts from the attributes of a file; undefined if they are not from TRIDENT. */
export function readTridentFacts(
  attributes: Readonly<Record<string, AttributeValue>>,
): TridentFacts | undefined {
  const number = (key: string) => (typeof attributes[key] === 'number' ? attributes[key] : undefined);
  const patchSize = number('patch_size');
  const patchSizeLevel0 = number('patch_size_level0');
  const level0Magnification = number('level0_magnification');
  const targetMagnification = number('target_magnification');
  if (patchSize === undefined || patchSizeLevel0 === undefined) return undefined;
  if (level0Magnification === undefined || targetMagnification === undefined) return undefined;
  return {
    patchSize,
    patchSizeLevel0,
    level0Magnification,
    targetMagnification,
    overlap: number('overlap') ?? 0,
  };
}
