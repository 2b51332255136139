import type { ContourFunction } from './parameters.js';
import type { PolygonIndex } from './polygon.js';

/**
 * Creates a test of whether a patch of `size` level-0 pixels with its corner at (x, y) counts as tissue;
 * points on the outline do.
 */
export function contourTest(
  tissue: PolygonIndex,
  contourFn: ContourFunction,
  size: number,
): (x: number, y: number) => boolean {
  const inside = (x: number, y: number) => tissue.locate(x, y) >= 0;
  const half = Math.floor(size / 2);
  const shift = Math.trunc(half * 0.5);
  const corners: readonly [number, number][] =
    shift > 0
      ? [
          [half - shift, half - shift],
          [half + shift, half + shift],
          [half + shift, half - shift],
          [half - shift, half + shift],
        ]
      : [[half, half]];
  switch (contourFn) {
    case 'four_pt':
      return (x, y) => corners.some(([dx, dy]) => inside(x + dx, y + dy));
    case 'four_pt_hard':
      return (x, y) => corners.every(([dx, dy]) => inside(x + dx, y + dy));
    case 'center':
      return (x, y) => inside(x + half, y + half);
    case 'basic':
      return inside;
  }
}
