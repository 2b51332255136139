import { Canvas, type Color } from '../tissue/canvas.js';
import { penFor } from '../tissue/draw-tissue.js';
import type { Picture } from '../tissue/overview.js';
import { scaleOutline } from '../tissue/polygon.js';
import type { PatchLimits } from './patch-limits.js';

/** Colors that neither tissue nor holes have. */
const ROI: Color = [255, 215, 0];
const EXCLUDED: Color = [255, 0, 0];

/** Draws regions of interest in yellow and excluded regions in red on the pixels of the picture, in place. */
export function drawLimits(
  rgb: Uint8Array,
  picture: Picture,
  { roi = [], exclude }: PatchLimits,
  lineThickness: number,
): void {
  const { scale, thickness } = penFor(picture, lineThickness);
  const canvas = new Canvas(rgb, picture.width, picture.height);
  for (const [contours, color] of [
    [roi, ROI],
    [exclude, EXCLUDED],
  ] as const) {
    for (const { outline, holes } of contours) {
      for (const ring of [outline, ...holes]) canvas.outline(scaleOutline(ring, scale), color, thickness);
    }
  }
}
