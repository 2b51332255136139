import type { Slide } from '../../slides/slide.js';
import { filterContours, type TissueContour } from '../tissue/contours.js';
import { checkLevel, chooseIds, type Tissue } from '../tissue/find-tissue.js';
import type { TissueParameters } from '../tissue/parameters.js';
import { chooseLevel, chooseReduction } from '../tissue/read-tissue-level.js';

/**
 * Tissue as a person outlined it, with CLAM's rules for area and holes, and the mask that segmentation would
 * have given at its level: a pixel is tissue if its center is.
 * @throws SamMilError InvalidInput for a level or an id that does not exist
 */
export function outlinedTissue(
  slide: Slide,
  outlined: readonly TissueContour[],
  parameters: TissueParameters,
): Tissue {
  const segLevel = chooseLevel(slide, parameters.segLevel);
  checkLevel(slide, segLevel);
  const contours = filterContours(asFound(outlined), [1, 1], parameters);
  const reduction = chooseReduction(slide, segLevel);
  const level = slide.info.levels[segLevel];
  const [width, height] = [level.width, level.height].map((side) => Math.ceil(side / reduction));
  const downsample = [level.downsample[0] * reduction, level.downsample[1] * reduction] as const;
  const mask = new Uint8Array(width * height);
  for (const contour of contours) fill(mask, width, height, downsample, contour);
  const ids = chooseIds(slide.path, contours.length, parameters);
  return { mask, width, height, segLevel, downsample, reduction, contours, ids };
}

/** The form in which OpenCV lists outlines and the holes in them. */
function asFound(contours: readonly TissueContour[]): Parameters<typeof filterContours>[0] {
  const parents: number[] = [];
  const outlines = contours.flatMap(({ outline, holes }) => {
    const tissue = parents.length;
    parents.push(-1, ...holes.map(() => tissue));
    return [outline, ...holes];
  });
  return { outlines, hierarchy: Int32Array.from(parents.flatMap((parent) => [-1, -1, -1, parent])) };
}

/** Sets the pixels whose centers are inside the outline and outside its holes, by the even-odd rule. */
function fill(
  mask: Uint8Array,
  width: number,
  height: number,
  [scaleX, scaleY]: readonly [number, number],
  { outline, holes }: TissueContour,
): void {
  const rows = new Map<number, number[]>();
  for (const ring of [outline, ...holes]) {
    let [x0, y0] = ring.subarray(-2);
    for (let i = 0; i < ring.length; i += 2) {
      const [x1, y1] = [ring[i], ring[i + 1]];
      const last = Math.min(height, Math.ceil(Math.max(y0, y1) / scaleY - 0.5));
      for (let row = Math.max(0, Math.ceil(Math.min(y0, y1) / scaleY - 0.5)); row < last; row++) {
        const x = x0 + (((row + 0.5) * scaleY - y0) * (x1 - x0)) / (y1 - y0);
        const crossed = rows.get(row) ?? [];
        crossed.push(x);
        rows.set(row, crossed);
      }
      [x0, y0] = [x1, y1];
    }
  }
  for (const [row, crossed] of rows) {
    crossed.sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossed.length; i += 2) {
      const from = Math.max(0, Math.ceil(crossed[i] / scaleX - 0.5));
      const to = Math.min(width, Math.ceil(crossed[i + 1] / scaleX - 0.5));
      if (to > from) mask.fill(255, row * width + from, row * width + to);
    }
  }
}
