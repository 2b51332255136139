import { Canvas, type Color } from './canvas.js';
import type { Picture } from './overview.js';
import { scaleOutline, type Outline } from './polygon.js';
import type { Tissue } from './find-tissue.js';

/** Colors of CLAM for tissue and holes, and gray for tissue excluded by keep-ids or exclude-ids. */
export const TISSUE: Color = [0, 255, 0];
export const HOLE: Color = [0, 0, 255];
export const LEFT_OUT: Color = [128, 128, 128];
export const BLACK: Color = [0, 0, 0];
export const WHITE: Color = [255, 255, 255];

/** Maximum line thickness as a share of the picture, because thick lines would cover small slides. */
const MAX_LINE_SHARE = 1 / 300;

/**
 * Draws the outlines of tissue and holes and the ids of the contours on the picture (RGB). `lineThickness` is
 * in level-0 pixels.
 */
export function drawTissue(picture: Picture, tissue: Tissue, lineThickness: number): Uint8Array {
  const { width, height } = picture;
  const { scale, thickness } = penFor(picture, lineThickness);
  const canvas = new Canvas(picture.rgb.slice(), width, height);
  const draw = (outline: Outline, color: Color) =>
    canvas.outline(scaleOutline(outline, scale), color, thickness);
  const chosen = new Set(tissue.ids);
  tissue.contours.forEach(({ outline, holes }, id) => {
    draw(outline, chosen.has(id) ? TISSUE : LEFT_OUT);
    if (chosen.has(id)) for (const hole of holes) draw(hole, HOLE);
  });
  tissue.contours.forEach(({ outline }, id) => {
    writeId(canvas, id, scaleOutline(outline.subarray(0, 2), scale), Math.max(width, height) / 500);
  });
  return canvas.rgb;
}

/** Picture pixels per level-0 pixel, and the width of lines in picture pixels. */
export function penFor(
  { width, height, downsample }: Picture,
  lineThickness: number,
): { scale: readonly [number, number]; thickness: number } {
  const scale = [1 / downsample[0], 1 / downsample[1]] as const;
  const requested = Math.round(lineThickness * Math.sqrt(scale[0] * scale[1]));
  const most = Math.ceil(Math.max(width, height) * MAX_LINE_SHARE);
  return { scale, thickness: Math.max(1, Math.min(requested, most)) };
}

/**
 * Writes the id in black on a white rim next to the topmost point of the contour. `dot` is in picture pixels
 * per dot of the digits.
 */
function writeId(canvas: Canvas, id: number, [x, y]: Outline, dot: number): void {
  const size = Math.max(1, Math.round(dot));
  canvas.text(String(id), x + 2 * size, y + 2 * size, size, BLACK, WHITE);
}
