import { SamMilError } from '../../errors.js';
import type { Level0Px } from '../../units.js';

/** Closed ring of (x, y) in level-0 pixels; the last point is joined to the first. */
export type Ring = readonly (readonly [Level0Px, Level0Px])[];

/** One annotated region. `rings[0]` is the outline, the others are holes. */
export interface Region {
  name: string;
  /** Group or class that the annotator assigned. */
  group?: string;
  /** The names of a derived class, or a group and the groups that it is part of. */
  classes?: readonly string[];
  /** True for a region that is cut out of the others (ASAP's `_2`, `Exclusion`, `normal`). */
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

/**
 * True for groups that outline tissue that is not lesion: `_2` in CAMELYON16, `normal` in CAMELYON17, and
 * common names for exclusions.
 */
export function isExclusion(group: string | undefined): boolean {
  return group !== undefined && /^(_2|exclu(de|sion).*|normal|non[-_ ]?tumou?r|ignore\*?)$/i.test(group);
}

/** Returns whether a point is inside a region and outside all excluded regions. */
export type RegionProbe = (x: Level0Px, y: Level0Px) => boolean;

/**
 * Creates a probe that caches where the outlines cross each requested y. Because patches lie in rows, a slide
 * with 40,000 patches and outlines of 50,000 points takes seconds instead of hours. The even-odd rule applies
 * to all rings of a region, so holes are outside.
 */
export function regionProbe(regions: readonly Region[]): RegionProbe {
  const edges = regions.map(listEdges);
  const rows = new Map<Level0Px, Float64Array[]>();
  let [height, crossings]: [Level0Px, Float64Array[]] = [NaN, []];
  return (x, y) => {
    if (y !== height) {
      crossings = rows.get(y) ?? edges.map((list) => crossingsAt(list, y));
      rows.set(y, crossings);
      height = y;
    }
    let inside = false;
    for (let i = 0; i < regions.length; i++) {
      if (countBefore(crossings[i], x) % 2 === 0) continue;
      if (regions[i].excluded) return false;
      inside = true;
    }
    return inside;
  };
}

/** Lists the edges of all rings, four numbers per edge: x and y of both ends. */
function listEdges({ rings }: Region): Float64Array {
  const edges = rings.flatMap((ring) =>
    ring.flatMap(([x, y], i) => [...ring[i === 0 ? ring.length - 1 : i - 1], x, y]),
  );
  return Float64Array.from(edges);
}

/** The x positions, ascending, where the horizontal line at `y` crosses the edges. */
function crossingsAt(edges: Float64Array, y: number): Float64Array {
  const found: number[] = [];
  for (let i = 0; i < edges.length; i += 4) {
    const [yj, yi] = [edges[i + 1], edges[i + 3]];
    if (yi > y === yj > y) continue;
    const [xj, xi] = [edges[i], edges[i + 2]];
    found.push(((xj - xi) * (y - yi)) / (yj - yi) + xi);
  }
  return Float64Array.from(found).sort();
}

/** Counts the numbers, which ascend, that are at most `x`. */
function countBefore(ascending: Float64Array, x: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Probed points per side of a patch, 64 in total. */
const PROBES = 8;

/**
 * Fraction (0 to 1) of a square patch that is inside, estimated on an 8 x 8 grid of points. (x, y) is its
 * top-left corner in level-0 pixels.
 */
export function coveredShare(inside: RegionProbe, x: Level0Px, y: Level0Px, size: Level0Px): number {
  let hits = 0;
  const step = size / PROBES;
  for (let j = 0; j < PROBES; j++) {
    for (let i = 0; i < PROBES; i++) if (inside(x + (i + 0.5) * step, y + (j + 0.5) * step)) hits++;
  }
  return hits / (PROBES * PROBES);
}
