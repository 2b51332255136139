import type { Level } from '../slides/slide.js';
import type { TissueContour } from './tissue/contours.js';
import type { ContourFunction } from './tissue/parameters.js';
import { boundingBox, PolygonIndex } from './tissue/polygon.js';

export interface GridParameters {
  /** Sides in pixels of the patch level. */
  patchSize: number;
  stepSize: number;
  contourFn: ContourFunction;
  usePadding: boolean;
  /** Scale sides by the exact downsample of the level instead of its integer part. */
  exact?: boolean;
}

/**
 * Lists the top-left corners (x, y in level-0 pixels, N x 2) of the patches in the bounding box of each
 * contour that are in its tissue, in the order of CLAM: contour by contour, column by column.
 *
 * @param level level of the patches; its downsamples are truncated, as in CLAM, unless `exact`, because
 * truncating 3.999 would make neighbors overlap by a quarter
 * @param slideSize width and height of level 0
 */
export function patchGrid(
  contours: readonly TissueContour[],
  level: Level,
  slideSize: readonly [number, number],
  parameters: GridParameters,
): Int32Array {
  const coords: number[] = [];
  for (const contour of contours) addContour(coords, contour, level, slideSize, parameters);
  return Int32Array.from(coords);
}

function addContour(
  coords: number[],
  { outline, holes }: TissueContour,
  { downsample }: Level,
  slideSize: readonly [number, number],
  { patchSize, stepSize, contourFn, usePadding, exact = false }: GridParameters,
): void {
  const factors = exact ? downsample : downsample.map(Math.trunc);
  const [sizeX, sizeY] = factors.map((factor) => Math.round(patchSize * factor));
  const [stepX, stepY] = factors.map((factor) => Math.round(stepSize * factor));
  const box = boundingBox(outline);
  const stopX = stop(box.x + box.width, slideSize[0], sizeX, usePadding);
  const stopY = stop(box.y + box.height, slideSize[1], sizeY, usePadding);
  // CLAM tests both axes with the size along x.
  const size = sizeX;
  const inTissue = contourTest(new PolygonIndex(outline), contourFn, size);
  const indexed = holes.map((hole) => new PolygonIndex(hole));
  const inHole = (x: number, y: number) =>
    indexed.some((hole) => hole.locate(x + size / 2, y + size / 2) > 0);
  for (let x = box.x; x < stopX; x += stepX) {
    for (let y = box.y; y < stopY; y += stepY) {
      if (inTissue(x, y) && !inHole(x, y)) coords.push(x, y);
    }
  }
}

function stop(end: number, slideEnd: number, size: number, usePadding: boolean): number {
  return usePadding ? end : Math.min(end, slideEnd - size + 1);
}

/**
 * Creates a test of whether a patch of `size` level-0 pixels with its corner at (x, y) counts as tissue;
 * points on the outline do.
 */
function contourTest(
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
