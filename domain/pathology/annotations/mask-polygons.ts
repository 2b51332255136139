import { bboxOf, type Rle } from '../../files/run-length.js';

/**
 * A polygon along pixel edges, in mask pixels. Corner (0, 0) is the top-left corner of the first pixel.
 * Points are (x0, y0, x1, y1, ...).
 */
export interface PixelPolygon {
  outline: Int32Array;
  holes: Int32Array[];
}

/**
 * Directions along the grid of pixel corners: right, down, left, up. The set pixel is to the right of each
 * edge.
 */
const DX = [1, 0, -1, 0];
const DY = [0, 1, 0, -1];

/**
 * Traces the outlines of a mask exactly along pixel edges; filling them by the even-odd rule reproduces the
 * mask. Each ring is simple and does not touch itself: rings separate where set pixels meet only at a corner,
 * as the OGC rules for valid polygons require. An empty mask has no polygons.
 */
export function tracePolygons(rle: Rle): PixelPolygon[] {
  const [left, top, spanX, spanY] = bboxOf(rle);
  const grid = new EdgeGrid(rle, left, top, spanX + 1, spanY + 1);
  const rings = grid.rings();
  const outlines = rings.filter(({ area }) => area > 0).sort((a, b) => a.area - b.area);
  const polygons = new Map(outlines.map((ring) => [ring, [] as Int32Array[]]));
  for (const hole of rings.filter(({ area }) => area < 0)) {
    // Take the smallest outline around the set pixel next to the hole: an island in a hole of a larger piece
    // is inside several outlines.
    const owner = outlines.find((ring) => holds(ring.points, hole.beside[0], hole.beside[1]));
    if (owner) polygons.get(owner)!.push(hole.points);
  }
  const found = [...polygons].map(([ring, holes]) => ({ outline: ring.points, holes }));
  return found.reverse();
}

interface GridRing {
  points: Int32Array;
  /** In pixels; negative if the set pixels are outside the ring. */
  area: number;
  /** Center of a set pixel next to one of its edges. */
  beside: [x: number, y: number];
}

/** Borders of the set pixels of a box, as directed edges between pixel corners. */
class EdgeGrid {
  private readonly left: number;
  private readonly top: number;
  private readonly across: number;
  /** Bit d of a corner: an edge leaves it in direction d. */
  private readonly edges: Uint8Array;

  constructor(rle: Rle, left: number, top: number, width: number, height: number) {
    [this.left, this.top, this.across] = [left, top, width + 1];
    this.edges = new Uint8Array(this.across * (height + 1));
    const set = pixelsIn(rle, left, top, width, height);
    const stride = width + 2;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const pixel = (y + 1) * stride + x + 1;
        if (set[pixel] === 0) continue;
        const corner = y * this.across + x;
        if (set[pixel - stride] === 0) this.edges[corner] |= 1;
        if (set[pixel + 1] === 0) this.edges[corner + 1] |= 2;
        if (set[pixel + stride] === 0) this.edges[corner + this.across + 1] |= 4;
        if (set[pixel - 1] === 0) this.edges[corner + this.across] |= 8;
      }
    }
  }

  /** Joins all edges to rings, each edge in one ring. Consumes the edges. */
  rings(): GridRing[] {
    const rings: GridRing[] = [];
    const place = new Int32Array(this.edges.length).fill(-1);
    for (let start = 0; start < this.edges.length; start++) {
      while (this.edges[start] !== 0) this.follow(start, place, rings);
    }
    return rings;
  }

  /**
   * Walks from a corner until no edge is left. Wherever the path meets itself, it splits the loop off as a
   * separate ring.
   */
  private follow(start: number, place: Int32Array, rings: GridRing[]): void {
    const corners: number[] = [];
    const directions: number[] = [];
    let corner = start;
    let direction = 0;
    do {
      direction = this.take(corner, direction);
      place[corner] = corners.length;
      corners.push(corner);
      directions.push(direction);
      corner += DX[direction] + DY[direction] * this.across;
      const from = place[corner];
      if (from < 0) continue;
      const loop = corners.splice(from);
      rings.push(this.ring(loop, directions.splice(from)));
      for (const each of loop) place[each] = -1;
    } while (corners.length > 0);
  }

  /** The next edge: the sharpest right turn, around the same pixel. */
  private take(corner: number, direction: number): number {
    for (const turn of [1, 0, 3, 2]) {
      const next = (direction + turn) % 4;
      if ((this.edges[corner] & (1 << next)) === 0) continue;
      this.edges[corner] &= ~(1 << next);
      return next;
    }
    throw new Error(`tracePolygons: no edge leaves corner ${corner}`);
  }

  private ring(corners: readonly number[], directions: readonly number[]): GridRing {
    const points: number[] = [];
    let doubled = 0;
    corners.forEach((corner, i) => {
      const [x, y] = this.position(corner);
      doubled += x * DY[directions[i]] - y * DX[directions[i]];
      if (directions[i] !== directions.at(i - 1)) points.push(x, y);
    });
    const [x, y] = this.position(corners[0]);
    const [d, right] = [directions[0], (directions[0] + 1) % 4];
    const beside: [number, number] = [x + (DX[d] + DX[right]) / 2, y + (DY[d] + DY[right]) / 2];
    return { points: Int32Array.from(points), area: doubled / 2, beside };
  }

  private position(corner: number): [number, number] {
    return [this.left + (corner % this.across), this.top + Math.floor(corner / this.across)];
  }
}

/** Pixels of a box, row-major, with a border of one unset pixel. */
function pixelsIn({ size: [h], counts }: Rle, left: number, top: number, width: number, height: number) {
  const stride = width + 2;
  const pixels = new Uint8Array(stride * (height + 2));
  let at = 0;
  for (let i = 0; i < counts.length; i++) {
    const end = at + counts[i];
    if (i % 2 === 1) {
      for (; at < end; at++) pixels[((at % h) - top + 1) * stride + Math.floor(at / h) - left + 1] = 1;
    }
    at = end;
  }
  return pixels;
}

/** Returns whether the center of a pixel is inside a ring along pixel edges. */
function holds(ring: Int32Array, x: number, y: number): boolean {
  let inside = false;
  for (let i = 0, last = ring.length - 2; i < ring.length; last = i, i += 2) {
    const [y0, y1] = [ring[last + 1], ring[i + 1]];
    if (ring[i] < x && y0 < y !== y1 < y) inside = !inside;
  }
  return inside;
}
