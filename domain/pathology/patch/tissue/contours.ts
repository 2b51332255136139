import type { Level } from '../../slides/slide.js';
import { outlineArea, scaleOutline, type Outline } from './polygon.js';
import type { FoundContours } from './trace-contours.js';

/** A region of tissue and its holes, in level-0 pixels unless stated otherwise. */
export interface TissueContour {
  outline: Outline;
  holes: Outline[];
}

export interface FilterParameters {
  /** Minimum area of tissue without its holes, in reference patches (512 x 512 level-0 pixels). */
  aT: number;
  /** Minimum area of a hole, in reference patches. */
  aH: number;
  maxNHoles: number;
}

/**
 * Selects contours as CLAM does: tissue whose area without all its holes exceeds the limit, and among the
 * `maxNHoles` largest holes of each those above their limit. Input and output are in mask pixels.
 */
export function filterContours(
  { outlines, hierarchy }: FoundContours,
  downsample: Level['downsample'],
  { aT, aH, maxNHoles }: FilterParameters,
): TissueContour[] {
  const reference = Math.trunc(512 ** 2 / (downsample[0] * downsample[1]));
  const selectHoles = outlines.map((): Outline[] => []);
  outlines.forEach((outline, index) => selectHoles[hierarchy[index * 4 + 3]]?.push(outline));
  return outlines.flatMap((outline, index): TissueContour[] => {
    if (hierarchy[index * 4 + 3] !== -1) return [];
    const holes = selectHoles[index].map((hole) => ({ hole, area: outlineArea(hole) }));
    const area = outlineArea(outline) - holes.reduce((sum, hole) => sum + hole.area, 0);
    if (area === 0 || area <= aT * reference) return [];
    const kept = holes
      .sort((a, b) => b.area - a.area)
      .slice(0, maxNHoles)
      .filter((hole) => hole.area > aH * reference);
    return [{ outline, holes: kept.map(({ hole }) => hole) }];
  });
}

/** Converts mask pixels to level-0 pixels, truncated. */
export function toLevel0(
  contours: readonly TissueContour[],
  downsample: Level['downsample'],
): TissueContour[] {
  return contours.map(({ outline, holes }) => ({
    outline: scaleOutline(outline, downsample),
    holes: holes.map((hole) => scaleOutline(hole, downsample)),
  }));
}
