import type { Picture } from './tissue/overview.js';

/**
 * Draws the picture with everything outside the patches in black, which shows what the next steps use of the
 * slide.
 *
 * @param coords N x 2 corners in level-0 pixels
 * @param size width and height of a patch in level-0 pixels
 */
export function stitchPatches(
  picture: Picture,
  coords: Int32Array,
  size: readonly [number, number],
): Uint8Array {
  const { rgb, width, height, downsample } = picture;
  const mosaic = new Uint8Array(rgb.length);
  const place = (value: number, axis: 0 | 1, end: number) =>
    Math.max(0, Math.min(end, Math.round(value / downsample[axis])));
  for (let i = 0; i < coords.length; i += 2) {
    const left = place(coords[i], 0, width);
    const right = place(coords[i] + size[0], 0, width);
    const bottom = place(coords[i + 1] + size[1], 1, height);
    for (let y = place(coords[i + 1], 1, height); y < bottom; y++) {
      const line = rgb.subarray((y * width + left) * 3, (y * width + right) * 3);
      mosaic.set(line, (y * width + left) * 3);
    }
  }
  return mosaic;
}
