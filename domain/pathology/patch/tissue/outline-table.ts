import type { TissueMask } from '../../layouts/bag-files.js';
import type { TissueContour } from './contours.js';

/** Lists outlines in the layout of the mask file: each tissue outline is followed by its holes. */
export function outlineTable(
  contours: readonly TissueContour[],
): Pick<TissueMask, 'points' | 'offsets' | 'parent'> {
  const outlines = contours.flatMap(({ outline, holes }) => [outline, ...holes]);
  const offsets = Int32Array.from({ length: outlines.length + 1 }, () => 0);
  outlines.forEach((outline, index) => (offsets[index + 1] = offsets[index] + outline.length / 2));
  const points = new Int32Array(offsets[outlines.length] * 2);
  outlines.forEach((outline, index) => points.set(outline, offsets[index] * 2));
  const parent: number[] = [];
  for (const { holes } of contours) {
    const tissue = parent.length;
    parent.push(-1, ...holes.map(() => tissue));
  }
  return { points, offsets, parent: Int32Array.from(parent) };
}
