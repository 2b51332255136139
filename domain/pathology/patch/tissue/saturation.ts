/** 255 / max in 12-bit fixed point, as in the 8-bit HSV table of OpenCV. */
const RECIPROCAL = Int32Array.from({ length: 256 }, (_, max) =>
  max === 0 ? 0 : Math.round((255 << 12) / max),
);

/**
 * Computes the saturation (0 to 255) of RGB pixels, equal to OpenCV's COLOR_RGB2HSV for all 2^24 colors. It
 * writes `width` x `height` pixels from `offset` into rows of `stride` values.
 */
export function saturation(
  rgb: Uint8Array,
  width: number,
  height: number,
  into: Uint8Array,
  offset = 0,
  stride = width,
): void {
  let source = 0;
  for (let row = 0; row < height; row++) {
    let target = offset + row * stride;
    for (const end = target + width; target < end; target++, source += 3) {
      const r = rgb[source];
      const g = rgb[source + 1];
      const b = rgb[source + 2];
      // No branches, because the largest channel varies from pixel to pixel.
      const rg = r - g;
      const low = g + (rg & (rg >> 31));
      const high = r - (rg & (rg >> 31));
      const lowB = low - b;
      const highB = high - b;
      const min = b + (lowB & (lowB >> 31));
      const max = high - (highB & (highB >> 31));
      into[target] = ((max - min) * RECIPROCAL[max] + 2048) >> 12;
    }
  }
}
