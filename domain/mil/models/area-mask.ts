import type { RandomStream } from '../../random.js';

export interface AreaMaskSettings {
  /** Masked share of the patches of an infinitely large region. */
  maskRatio: number;
  /** k and A0 of the share's sigmoid, for areas in pixels of the SAM image. */
  maskSlope: number;
  maskArea: number;
}

/**
 * SAM-guided group masking: of the n rows with each distinct area A > 0, floor(n sigmoid(k (A - A0)) ratio)
 * random rows are masked, so that large, uniform regions do not dominate small ones. Group rows (area 0) are
 * never masked.
 *
 * @param area `relative_area` of each row
 * @returns 1 for kept rows, 0 for masked rows. At least one row is kept.
 */
export function areaMask(area: Float32Array, settings: AreaMaskSettings, stream: RandomStream): Uint8Array {
  const keep = new Uint8Array(area.length).fill(1);
  for (const [value, rows] of rowsByArea(area)) {
    const count = maskedCount(rows.length, value, settings);
    // A shuffle that stops after its first `count` rows.
    for (let i = 0; i < count; i++) {
      const other = i + stream.below(rows.length - i);
      [rows[i], rows[other]] = [rows[other], rows[i]];
      keep[rows[i]] = 0;
    }
  }
  if (area.length > 0 && !keep.includes(1)) keep[stream.below(area.length)] = 1;
  return keep;
}

/** The number of masked rows among `n` rows of the same area. */
export function maskedCount(
  n: number,
  area: number,
  { maskRatio, maskSlope, maskArea }: AreaMaskSettings,
): number {
  const share = maskRatio / (1 + Math.exp(-maskSlope * (area - maskArea)));
  return Math.floor(n * share);
}

/** Groups rows by ascending area, so that the draw does not depend on the order of areas in the bag. */
function rowsByArea(area: Float32Array): [number, number[]][] {
  const groups = new Map<number, number[]>();
  area.forEach((value, row) => {
    if (value <= 0) return;
    const rows = groups.get(value);
    if (rows === undefined) groups.set(value, [row]);
    else rows.push(row);
  });
  return [...groups].sort(([a], [b]) => a - b);
}
