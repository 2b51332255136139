import type { Level0Px } from '../units.js';

/** Closed ring of (x, y) in level-0 pixels; the last point is joined to the first. */
export type Ring = readonly (readonly [Level0Px, Level0Px])[];

/** One outlined region. `rings[0]` is the outline, the others are holes. */
export interface Region {
  name: string;
  /** Group or class the annotator gave. */
  group?: string;
  /** True for a region that is cut out of the others (ASAP's `_2`, `Exclusion`, `normal`). */
  excluded: boolean;
  rings: Ring[];
}

/** Groups that outline what is NOT lesion: CAMELYON16's `_2`, CAMELYON17's `normal`, and the names people use for cut-outs. */
export function isExclusion(group: string | undefined): boolean {
  return group !== undefined && /^(_2|exclu(de|sion).*|normal|non[-_ ]?tumou?r|ignore\*?)$/i.test(group);
}

/** True where (x, y) lies in a region and in none that is cut out. */
export function insideRegions(regions: readonly Region[], x: Level0Px, y: Level0Px): boolean {
  let inside = false;
  for (const region of regions) {
    if (!insideRings(region.rings, x, y)) continue;
    if (region.excluded) return false;
    inside = true;
  }
  return inside;
}

/** Points a side at which a patch is probed: 64 in all. */
const PROBES = 8;

/** Share, 0 to 1, of a square patch that lies in the regions, by an 8 x 8 grid of points. (x, y): its upper left corner. */
export function coveredShare(regions: readonly Region[], x: Level0Px, y: Level0Px, size: Level0Px): number {
  let hits = 0;
  for (let i = 0; i < PROBES; i++) {
    for (let j = 0; j < PROBES; j++) {
      const step = size / PROBES;
      if (insideRegions(regions, x + (i + 0.5) * step, y + (j + 0.5) * step)) hits++;
    }
  }
  return hits / (PROBES * PROBES);
}

/** Even-odd rule over all rings, so that holes are outside. */
function insideRings(rings: readonly Ring[], x: number, y: number): boolean {
  let inside = false;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [[xi, yi], [xj, yj]] = [ring[i], ring[j]];
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
    }
  }
  return inside;
}
