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
  /** Sides count by the level's real downsample, not by its whole part. */
  exact?: boolean;
}

/**
 * Top-left corners (x, y in level-0 pixels, N x 2) of the patches of each contour's bounding box that lie in its tissue; contour by
 * contour, column by column, as CLAM lists them.
 *
 * @param level of the patches; its downsamples are truncated, as CLAM does, unless `exact`: one of 3.999 would make neighbours overlap by a quarter
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
  // One side for both axes: CLAM tests with the size along x.
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

/** Whether a patch of `size` level-0 pixels with its corner at (x, y) counts as tissue; points on the outline do. */
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
