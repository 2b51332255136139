/** One number per channel: red, green, blue. */
export type Triple = readonly [number, number, number];

/**
 * Lookup tables from 8-bit values to normalized floats, rounded to float32 at each step, which gives the same
 * bits as torch.
 */
export type Normalizer = readonly [Float32Array, Float32Array, Float32Array];

export function createNormalizer(mean: Triple, std: Triple): Normalizer {
  const table = (channel: 0 | 1 | 2): Float32Array =>
    Float32Array.from({ length: 256 }, (_, value) => {
      const centered = Math.fround(Math.fround(value / 255) - Math.fround(mean[channel]));
      return Math.fround(centered / Math.fround(std[channel]));
    });
  return [table(0), table(1), table(2)];
}

/**
 * @param rgb `count` x `pixels` x 3
 * @param into `count` x 3 x `pixels`: a tensor [count, 3, size, size]
 */
export function normalize(
  rgb: Uint8Array,
  count: number,
  pixels: number,
  tables: Normalizer,
  into: Float32Array,
): void {
  const [red, green, blue] = tables;
  for (let image = 0; image < count; image++) {
    const plane = image * pixels * 3;
    for (let i = 0, at = plane; i < pixels; i++, at += 3) {
      into[plane + i] = red[rgb[at]];
      into[plane + pixels + i] = green[rgb[at + 1]];
      into[plane + 2 * pixels + i] = blue[rgb[at + 2]];
    }
  }
}
