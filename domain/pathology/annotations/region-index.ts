import Flatbush from 'flatbush';
import type { Level0Px } from '../../units.js';
import type { Region } from './region.js';

/** Probed points per side of a patch, 64 in total. */
const PROBES = 8;

/** Most bands of one region. */
const MOST_BANDS = 512;

/**
 * Regions in a spatial index, for many points or patches. Only the regions whose bounding box is near are
 * looked at, and of a region only the edges at the height of the point. Memory grows with the number of
 * edges.
 */
export class RegionIndex {
  private readonly regions: readonly BandedRegion[];
  private readonly boxes: Flatbush | undefined;

  constructor(regions: readonly Region[]) {
    this.regions = regions.map((region) => new BandedRegion(region));
    if (regions.length === 0) return;
    this.boxes = new Flatbush(regions.length);
    for (const { left, top, right, bottom } of this.regions) this.boxes.add(left, top, right, bottom);
    this.boxes.finish();
  }

  /**
   * Whether a point is inside a region and outside all excluded ones. The even-odd rule applies to all rings
   * of a region, so holes are outside.
   */
  contains(x: Level0Px, y: Level0Px): boolean {
    let inside = false;
    for (const region of this.near(x, y, 0)) {
      if (countBefore(region.crossings(y), x) % 2 === 0) continue;
      if (region.excluded) return false;
      inside = true;
    }
    return inside;
  }

  /**
   * Fraction (0 to 1) of a square patch that {@link contains} its points, estimated on an 8 x 8 grid of
   * points. (x, y) is its top-left corner in level-0 pixels.
   */
  coveredShare(x: Level0Px, y: Level0Px, size: Level0Px): number {
    const near = this.near(x, y, size);
    if (near.length === 0) return 0;
    const step = size / PROBES;
    let hits = 0;
    for (let j = 0; j < PROBES; j++) {
      const rows = near.map((region) => ({
        excluded: region.excluded,
        crossings: region.crossings(y + (j + 0.5) * step),
      }));
      for (let i = 0; i < PROBES; i++) if (holds(rows, x + (i + 0.5) * step)) hits++;
    }
    return hits / (PROBES * PROBES);
  }

  private near(x: Level0Px, y: Level0Px, size: Level0Px): BandedRegion[] {
    return (this.boxes?.search(x, y, x + size, y + size) ?? []).map((i) => this.regions[i]);
  }
}

function holds(rows: readonly { excluded: boolean; crossings: Float64Array }[], x: number): boolean {
  let inside = false;
  for (const { excluded, crossings } of rows) {
    if (countBefore(crossings, x) % 2 === 0) continue;
    if (excluded) return false;
    inside = true;
  }
  return inside;
}

/** The edges of a region by the horizontal bands that they cross, sorted when it is first probed. */
class BandedRegion {
  readonly excluded: boolean;
  readonly left: number = Infinity;
  readonly top: number = Infinity;
  readonly right: number = -Infinity;
  readonly bottom: number = -Infinity;
  private readonly region: Region;
  /** Four numbers per edge, x and y of both ends, by band. */
  private bands: Float64Array[] | undefined;

  constructor(region: Region) {
    this.region = region;
    this.excluded = region.excluded;
    for (const ring of region.rings) {
      for (const [x, y] of ring) {
        this.left = Math.min(this.left, x);
        this.right = Math.max(this.right, x);
        this.top = Math.min(this.top, y);
        this.bottom = Math.max(this.bottom, y);
      }
    }
  }

  /** The x positions, ascending, where the horizontal line at `y` crosses the edges. */
  crossings(y: number): Float64Array {
    this.bands ??= this.sortEdges();
    if (!(y >= this.top && y <= this.bottom)) return new Float64Array();
    const edges = this.bands[this.bandOf(y, this.bands.length)];
    const found: number[] = [];
    for (let i = 0; i < edges.length; i += 4) {
      const [yj, yi] = [edges[i + 1], edges[i + 3]];
      if (yi > y === yj > y) continue;
      const [xj, xi] = [edges[i], edges[i + 2]];
      found.push(((xj - xi) * (y - yi)) / (yj - yi) + xi);
    }
    return Float64Array.from(found).sort();
  }

  private bandOf(y: number, count: number): number {
    const height = this.bottom - this.top;
    return height === 0 ? 0 : Math.min(count - 1, Math.floor(((y - this.top) / height) * count));
  }

  private sortEdges(): Float64Array[] {
    const { rings } = this.region;
    const points = rings.reduce((sum, ring) => sum + ring.length, 0);
    const count = Math.max(1, Math.min(MOST_BANDS, points >> 2));
    const bands = Array.from({ length: count }, (): number[] => []);
    for (const ring of rings) {
      let [x0, y0] = ring[ring.length - 1];
      for (const [x, y] of ring) {
        const last = this.bandOf(Math.max(y0, y), count);
        for (let band = this.bandOf(Math.min(y0, y), count); band <= last; band++) {
          bands[band].push(x0, y0, x, y);
        }
        [x0, y0] = [x, y];
      }
    }
    return bands.map((edges) => Float64Array.from(edges));
  }
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
