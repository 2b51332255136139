import type { Rle } from '../../files/run-length.js';
import type { ImageToSegment } from './segmenter/segmenter.js';

/** Opacity of the color of a region. */
const OPACITY = 0.3;
/** Hue difference in degrees between successive masks; the golden angle makes them distinct. */
const GOLDEN_ANGLE = 137.50776405;

/**
 * Draws the image with each pixel tinted by the smallest mask that covers it, which determines its relative
 * area, and dark lines between masks.
 *
 * @returns height x width x 3
 */
export function drawOverlay(image: ImageToSegment, masks: readonly { rle: Rle; area: number }[]): Uint8Array {
  const { rgb, width, height } = image;
  const owner = smallestMask(masks, width, height);
  const colors = masks.map((_, mask) => hueToColor((mask * GOLDEN_ANGLE) % 360));
  const drawn = Uint8Array.from(rgb);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const mask = owner[at];
      const border =
        (x + 1 < width && owner[at + 1] !== mask) || (y + 1 < height && owner[at + width] !== mask);
      if (mask === 0 && !border) continue;
      for (let channel = 0; channel < 3; channel++) {
        const value = rgb[3 * at + channel];
        drawn[3 * at + channel] = border
          ? value * 0.25
          : value * (1 - OPACITY) + colors[mask - 1][channel] * OPACITY;
      }
    }
  }
  return drawn;
}

/** Per pixel, 1 + index of the smallest mask that covers it; 0 if none does. */
function smallestMask(
  masks: readonly { rle: Rle; area: number }[],
  width: number,
  height: number,
): Uint32Array {
  const owner = new Uint32Array(width * height);
  const order = [...masks.keys()].sort((a, b) => masks[b].area - masks[a].area || a - b);
  for (const mask of order) {
    const { counts } = masks[mask].rle;
    let position = 0;
    counts.forEach((count, run) => {
      if (run % 2 === 1) {
        for (let k = position; k < position + count; k++) {
          owner[(k % height) * width + Math.floor(k / height)] = mask + 1;
        }
      }
      position += count;
    });
  }
  return owner;
}

/** Returns a bright color with the given hue in degrees. */
function hueToColor(hue: number): [number, number, number] {
  const channel = (offset: number): number => {
    const k = (offset + hue / 30) % 12;
    return 255 * (0.5 - 0.5 * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [channel(0), channel(8), channel(4)];
}
