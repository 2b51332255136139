import type { Level } from '../slides/slide.js';
import type { TissueContour } from './tissue/contours.js';
import type { ContourFunction } from './tissue/parameters.js';
import { contourTest } from './tissue/contour-test.js';
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
  const [sizeX, sizeY] = sidesAtLevel0(patchSize, downsample, exact);
  const [stepX, stepY] = sidesAtLevel0(stepSize, downsample, exact);
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

/** A length in pixels of a level, along x and y in level-0 pixels. */
export function sidesAtLevel0(
  length: number,
  downsample: Level['downsample'],
  exact: boolean,
): readonly [number, number] {
  const [x, y] = exact ? downsample : [Math.trunc(downsample[0]), Math.trunc(downsample[1])];
  return [Math.round(length * x), Math.round(length * y)];
}

function stop(end: number, slideEnd: number, size: number, usePadding: boolean): number {
  return usePadding ? end : Math.min(end, slideEnd - size + 1);
}
