import type { Level0Px } from '../../units.js';
import type { AttributeInput, AttributeValue } from '../../files/hdf5/h5.js';

/**
 * What TRIDENT keeps about patches, as attributes of `coords` (its coords_to_h5 and extract_features, seen at commit a91fa84). Magnifications are objective
 * powers as people name them; their ratio is exact.
 */
export interface TridentFacts {
  /** Side of a patch in pixels at the target magnification. */
  patchSize: number;
  patchSizeLevel0: Level0Px;
  level0Magnification: number;
  targetMagnification: number;
  /** Of neighbouring patches, in pixels at the target magnification. */
  overlap: number;
}

/** Objectives there are, and the micrometres a pixel below which a scan is said to be of one. */
const NOMINAL: readonly (readonly [power: number, below: number])[] = [
  [80, 0.16],
  [60, 0.2],
  [40, 0.3],
  [20, 0.6],
  [10, 1.2],
  [5, 2.4],
];

/** The objective power that people call a resolution by (0.2527 um a pixel: 40); undefined for a coarser one than any. */
export function nominalMagnification(mpp: number): number | undefined {
  return NOMINAL.find(([, below]) => mpp < below)?.[0];
}

/**
 * TRIDENT's facts of patches that are read at another size than they are wanted in.
 * @param wanted sides in pixels of the wanted resolution; `patchSizeLevel0` the side that is read
 */
export function tridentFacts(
  wanted: { patchSize: number; stepSize: number },
  patchSizeLevel0: Level0Px,
  level0Magnification: number,
): TridentFacts {
  const { patchSize, stepSize } = wanted;
  const exact = (level0Magnification * patchSize) / patchSizeLevel0;
  const whole = Math.round(exact);
  return {
    patchSize,
    patchSizeLevel0,
    level0Magnification,
    // Scanners' 4.0007 and the rounding of a patch to whole pixels are not meant as differences.
    targetMagnification: whole > 0 && Math.abs(exact - whole) / whole < 0.005 ? whole : exact,
    overlap: patchSize - stepSize,
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

/** The facts among a file's attributes; undefined where they are not TRIDENT's. */
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
