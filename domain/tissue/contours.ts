import { withMats, type OpenCv } from '../native/opencv.js';
import type { Level } from '../slides/slide.js';
import { outlineArea, scaleOutline, type Outline } from './polygon.js';

/** All outlines of a binary mask in findContours' order, in pixels of the mask. */
export interface FoundContours {
  outlines: Outline[];
  /** 4 numbers an outline: next, previous, first child, parent; -1 for none. */
  hierarchy: Int32Array;
}

/** A region of tissue and the holes in it, in level-0 pixels unless said otherwise. */
export interface TissueContour {
  outline: Outline;
  holes: Outline[];
}

export interface FilterParameters {
  /** Least area of tissue without its holes, in reference patches (512 x 512 level-0 pixels). */
  aT: number;
  /** Least area of a hole, in reference patches. */
  aH: number;
  maxNHoles: number;
}

/** Morphological close of a 0 / 255 mask with a `size` x `size` square of ones (1 and below: the mask as it is), by OpenCV. */
export function closeMask(
  cv: OpenCv,
  mask: Uint8Array,
  width: number,
  height: number,
  size: number,
): Uint8Array {
  if (size <= 1) return mask;
  return withMats((keep) => {
    const mat = keep(new cv.Mat(height, width, cv.CV_8UC1));
    mat.data.set(mask);
    const kernel = keep(new cv.Mat(size, size, cv.CV_8UC1, new cv.Scalar(1)));
    cv.morphologyEx(mat, mat, cv.MORPH_CLOSE, kernel);
    return mat.data.slice();
  });
}

/** Outlines of tissue and of holes (RETR_CCOMP), every border pixel a point (CHAIN_APPROX_NONE), by OpenCV. */
export function findContours(cv: OpenCv, mask: Uint8Array, width: number, height: number): FoundContours {
  return withMats((keep) => {
    const mat = keep(new cv.Mat(height, width, cv.CV_8UC1));
    mat.data.set(mask);
    const found = keep(new cv.MatVector());
    const hierarchy = keep(new cv.Mat());
    cv.findContours(mat, found, hierarchy, cv.RETR_CCOMP, cv.CHAIN_APPROX_NONE);
    const outlines = Array.from({ length: found.size() }, (_, index) => {
      const points = found.get(index);
      const outline = points.data32S.slice();
      points.delete();
      return outline;
    });
    return { outlines, hierarchy: hierarchy.data32S.slice() };
  });
}

/**
 * CLAM's choice: tissue whose area without ALL its holes exceeds the limit; of each one's holes the `maxNHoles` largest, and of those the ones
 * above their limit. Pixels of the mask in and out.
 */
export function filterContours(
  { outlines, hierarchy }: FoundContours,
  downsample: Level['downsample'],
  { aT, aH, maxNHoles }: FilterParameters,
): TissueContour[] {
  const reference = Math.trunc(512 ** 2 / (downsample[0] * downsample[1]));
  const holesOf = outlines.map((): Outline[] => []);
  outlines.forEach((outline, index) => holesOf[hierarchy[index * 4 + 3]]?.push(outline));
  return outlines.flatMap((outline, index): TissueContour[] => {
    if (hierarchy[index * 4 + 3] !== -1) return [];
    const holes = holesOf[index].map((hole) => ({ hole, area: outlineArea(hole) }));
    const area = outlineArea(outline) - holes.reduce((sum, hole) => sum + hole.area, 0);
    if (area === 0 || area <= aT * reference) return [];
    const kept = holes
      .sort((a, b) => b.area - a.area)
      .slice(0, maxNHoles)
      .filter((hole) => hole.area > aH * reference);
    return [{ outline, holes: kept.map(({ hole }) => hole) }];
  });
}

/** From mask pixels to level-0 pixels, truncated. */
export function toLevel0(
  contours: readonly TissueContour[],
  downsample: Level['downsample'],
): TissueContour[] {
  return contours.map(({ outline, holes }) => ({
    outline: scaleOutline(outline, downsample),
    holes: holes.map((hole) => scaleOutline(hole, downsample)),
  }));
}
