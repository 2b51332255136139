/**
 * Premultiplied 0xAARRGGBB pixels (`width` x `height`) to RGB bytes as openslide-python gives them: opaque pixels as they are, wholly
 * transparent ones as stored (black), others divided by alpha and truncated. Written from pixel `offset` on into rows of `stride` pixels;
 * returns `into`.
 */
export function argbToRgb(
  pixels: Uint32Array,
  width: number,
  height: number,
  into: Uint8Array,
  offset: number,
  stride: number,
): Uint8Array {
  let source = 0;
  for (let row = 0; row < height; row++) {
    let target = (offset + row * stride) * 3;
    for (const end = source + width; source < end; source++, target += 3) {
      const pixel = pixels[source];
      const alpha = pixel >>> 24;
      if (alpha === 255 || alpha === 0) {
        into[target] = pixel >>> 16;
        into[target + 1] = pixel >>> 8;
        into[target + 2] = pixel;
      } else {
        into[target] = (255 * ((pixel >>> 16) & 255)) / alpha;
        into[target + 1] = (255 * ((pixel >>> 8) & 255)) / alpha;
        into[target + 2] = (255 * (pixel & 255)) / alpha;
      }
    }
  }
  return into;
}
