import type { Tissue } from '../tissue/find-tissue.js';

/** A rectangle in level-0 pixels. */
export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Returns the share of a rectangle, 0 to 1, that is tissue by the mask. Outside the mask there is none. */
export function tissueShare(
  { mask, width, height, downsample }: Pick<Tissue, 'mask' | 'width' | 'height' | 'downsample'>,
  { x, y, width: w, height: h }: Rectangle,
): number {
  const [left, right] = [x / downsample[0], (x + w) / downsample[0]];
  const [top, bottom] = [y / downsample[1], (y + h) / downsample[1]];
  let covered = 0;
  for (let row = Math.max(0, Math.floor(top)); row < Math.min(height, bottom); row++) {
    const high = Math.min(row + 1, bottom) - Math.max(row, top);
    let wide = 0;
    for (let column = Math.max(0, Math.floor(left)); column < Math.min(width, right); column++) {
      if (mask[row * width + column] !== 0) wide += Math.min(column + 1, right) - Math.max(column, left);
    }
    covered += wide * high;
  }
  return covered / ((right - left) * (bottom - top));
}
