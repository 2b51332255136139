/** A closed outline: x0, y0, x1, y1, ... */
export type Outline = Int32Array;

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Unsigned area by the shoelace formula, equal to OpenCV's contourArea. */
export function outlineArea(outline: Outline): number {
  let doubled = 0;
  let [x0, y0] = outline.subarray(-2);
  for (let i = 0; i < outline.length; i += 2) {
    doubled += x0 * outline[i + 1] - y0 * outline[i];
    x0 = outline[i];
    y0 = outline[i + 1];
  }
  return Math.abs(doubled) / 2;
}

/** Upright bounding box as in OpenCV: it includes the last pixel (width = max - min + 1). */
export function boundingBox(outline: Outline): Box {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (let i = 0; i < outline.length; i++) {
    const axis = i & 1;
    low[axis] = Math.min(low[axis], outline[i]);
    high[axis] = Math.max(high[axis], outline[i]);
  }
  return { x: low[0], y: low[1], width: high[0] - low[0] + 1, height: high[1] - low[1] + 1 };
}

/** Multiplies each coordinate by the factor of its axis and truncates toward zero. */
export function scaleOutline(outline: Outline, factors: readonly [number, number]): Outline {
  return outline.map((value, i) => Math.trunc(value * factors[i & 1]));
}

/** Number of bands. Outlines have short edges, so several hundred bands leave few edges in each. */
const BANDS = 512;

/**
 * Locates points relative to one outline. It is exact for coordinates below 2^26 and equals OpenCV's
 * pointPolygonTest without distance. Edges are sorted into horizontal bands once, so that a test checks only
 * those near its y.
 */
export class PolygonIndex {
  private readonly outline: Outline;
  private readonly top: number;
  private readonly bottom: number;
  private readonly bandHeight: number;
  /** Edges of band b: edges[starts[b]] to edges[starts[b + 1]] (exclusive). Edge e ends at point e. */
  private readonly starts: Int32Array;
  private readonly edges: Int32Array;

  constructor(outline: Outline) {
    const box = boundingBox(outline);
    this.outline = outline;
    this.top = box.y;
    this.bottom = box.y + box.height - 1;
    this.bandHeight = Math.max(1, Math.ceil(box.height / BANDS));
    this.starts = new Int32Array(Math.ceil(box.height / this.bandHeight) + 1);
    this.forEachBand((band) => this.starts[band + 1]++);
    for (let band = 1; band < this.starts.length; band++) this.starts[band] += this.starts[band - 1];
    this.edges = new Int32Array(this.starts[this.starts.length - 1]);
    const next = this.starts.slice();
    this.forEachBand((band, edge) => (this.edges[next[band]++] = edge));
  }

  /** Returns 1 inside, 0 on the outline, -1 outside. */
  locate(x: number, y: number): -1 | 0 | 1 {
    const { outline } = this;
    if (y < this.top || y > this.bottom) return -1;
    const band = Math.floor((y - this.top) / this.bandHeight);
    let inside = false;
    for (let i = this.starts[band]; i < this.starts[band + 1]; i++) {
      const end = this.edges[i] * 2;
      const start = end === 0 ? outline.length - 2 : end - 2;
      const x0 = outline[start];
      const y0 = outline[start + 1];
      const x1 = outline[end];
      const y1 = outline[end + 1];
      // Side of the line through the edge: positive, negative, or 0 on the line.
      const side = (y - y0) * (x1 - x0) - (x - x0) * (y1 - y0);
      if (side === 0 && between(x, x0, x1) && between(y, y0, y1)) return 0;
      // A ray to the right crosses edges whose ends are on both sides of y; the lower end counts, the upper
      // does not.
      if (y0 <= y !== y1 <= y && side > 0 === y1 > y0) inside = !inside;
    }
    return inside ? 1 : -1;
  }

  private forEachBand(visit: (band: number, edge: number) => void): void {
    for (let edge = 0; edge < this.outline.length / 2; edge++) {
      const y0 = this.outline.at(edge * 2 - 1)!;
      const y1 = this.outline[edge * 2 + 1];
      const first = Math.floor((Math.min(y0, y1) - this.top) / this.bandHeight);
      const last = Math.floor((Math.max(y0, y1) - this.top) / this.bandHeight);
      for (let band = first; band <= last; band++) visit(band, edge);
    }
  }
}

function between(value: number, a: number, b: number): boolean {
  return a < b ? a <= value && value <= b : b <= value && value <= a;
}
