import { SamMilError } from '../../errors.js';
import type { Level0Px } from '../../units.js';

/** Closed ring of (x, y) in level-0 pixels; the last point is joined to the first. */
export type Ring = readonly (readonly [Level0Px, Level0Px])[];

/** One annotated region. `rings[0]` is the outline, the others are holes. */
export interface Region {
  name: string;
  /** Group or class that the annotator assigned, as it is shown. */
  group?: string;
  /** The names of a derived class, or a group and the groups that it is part of. */
  classes?: readonly string[];
  /** True for a region that is cut out of the others: by its kind in the file, or by its class. */
  excluded: boolean;
  rings: Ring[];
}

/** What an annotation file outlines. */
export interface Annotation {
  regions: Region[];
  /** Numbers of objects that enclose no area, by their type. */
  passedOver: Record<string, number>;
}

/** Counts one more of a name. */
export function countUp(counts: Record<string, number>, name: string): void {
  counts[name] = (Object.hasOwn(counts, name) ? counts[name] : 0) + 1;
}

/** No slide has a longer side in level-0 pixels; a coordinate may lie outside its slide. */
const LARGEST_SIDE = 2 ** 31;

/** Whether a coordinate in level-0 pixels is possible. JSON reads 1e999 as infinity. */
export function isOnSlide(value: Level0Px): boolean {
  return Math.abs(value) < LARGEST_SIDE;
}

/** Creates the error for a point that is on no slide. */
export function offSlide(file: string, found: string): SamMilError {
  return new SamMilError('InvalidInput', 'a point is on no slide', {
    file,
    expected: `coordinates in level-0 pixels, from -${LARGEST_SIDE} to ${LARGEST_SIDE}`,
    found,
  });
}

/** Whether a ring has three different points, without which it encloses nothing. */
export function enclosesArea(ring: Ring): boolean {
  const different: (readonly [Level0Px, Level0Px])[] = [];
  for (const point of ring) {
    if (different.some(([x, y]) => x === point[0] && y === point[1])) continue;
    if (different.push(point) === 3) return true;
  }
  return false;
}
