import { SamMilError } from '../../errors.js';
import type { Bbox, Rle } from '../../files/run-length.js';
import type { Level0Px } from '../../units.js';

/** Maps level-0 coordinates to pixels of the SAM image. */
export interface GroupFrame {
  /** Level-0 position of the image's top-left pixel. */
  startX: Level0Px;
  startY: Level0Px;
  /**
   * Level-0 pixels per image pixel: int(downsample of the level that was read) times the remaining
   * downsample.
   */
  downsample: number;
  /**
   * Side of a patch in image pixels: an integer of at least 1, so that groups do not vanish on huge slides.
   */
  window: number;
  /** Size of the image. */
  width: number;
  height: number;
}

/**
 * The part of a mask that membership depends on. `bbox` follows SAM: from the first set pixel to the last, so
 * a mask one pixel wide has w = 0.
 */
export interface GroupMask {
  rle: Rle;
  bbox: Bbox;
  area: number;
}

export interface Groups {
  /** Per mask: rows of its patches, ascending; empty if it has none. */
  members: Int32Array[];
  /** Per patch: area in image pixels of the smallest mask that contains it; 1 if no mask does. */
  relativeArea: Float32Array;
}

/**
 * @param levelDownsample downsample of the level that the image was read at; truncated to an integer as in
 * the SAM-MIL code
 * @param rest further reduction after reading
 * @param patchSize side of a patch in level-0 pixels
 */
export function groupFrame(
  image: { startX: Level0Px; startY: Level0Px; width: number; height: number },
  levelDownsample: number,
  rest: number,
  patchSize: Level0Px,
): GroupFrame {
  const downsample = Math.trunc(levelDownsample) * rest;
  if (!(downsample > 0)) {
    throw new SamMilError('InvalidInput', 'the downsample of the SAM image is not positive', {
      found: `level downsample ${levelDownsample}, remaining downsample ${rest}`,
    });
  }
  return { ...image, downsample, window: Math.max(1, Math.floor(patchSize / downsample)) };
}

/**
 * Assigns patches to masks (SAM-MIL supplementary, ACM MM 2024; details as in the code of its authors). The
 * top-left corner of a patch, in image pixels and rounded half to even, must be in the box of the mask
 * (half-open: x0 <= x < x0 + w), and the window of the patch, clipped at the image border, must contain a set
 * pixel.
 *
 * The work grows with the patches near each mask, not with patches x masks: corners are sorted into tiles,
 * and pixels are looked up in the run lengths by bisection. Memory besides the result: one number per run of
 * the current mask.
 *
 * @param coords N x 2, level-0 pixels
 * @throws SamMilError CountMismatch if a mask does not have the size of the image
 */
export function groupPatches(coords: Int32Array, frame: GroupFrame, masks: Iterable<GroupMask>): Groups {
  const index = new CornerIndex(coords, frame);
  const relativeArea = new Float32Array(coords.length / 2).fill(Infinity);
  const members: Int32Array[] = [];
  for (const mask of masks) {
    checkSize(mask, members.length, frame);
    const runs = new Runs(mask.rle);
    const rows: number[] = [];
    index.eachIn(mask.bbox, (row, x, y) => {
      const right = Math.min(frame.width, x + frame.window);
      const bottom = Math.min(frame.height, y + frame.window);
      if (runs.anyIn(x, y, right, bottom)) rows.push(row);
    });
    for (const row of rows) relativeArea[row] = Math.min(relativeArea[row], mask.area);
    members.push(Int32Array.from(rows).sort());
  }
  return { members, relativeArea: relativeArea.map((area) => (area === Infinity ? 1 : area)) };
}

function checkSize(mask: GroupMask, number: number, frame: GroupFrame): void {
  const [height, width] = mask.rle.size;
  if (height === frame.height && width === frame.width) return;
  throw new SamMilError('CountMismatch', `the size of mask ${number} differs from the SAM image`, {
    expected: `${frame.width} x ${frame.height}`,
    found: `${width} x ${height}`,
  });
}

/** Rounds to the nearest integer and halves to even, as numpy does. */
export function roundHalfEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

/** Side of an index tile in image pixels, as a power of two. */
const TILE_BITS = 5;

/**
 * Patch corners in image pixels, sorted by tile. Corners outside the image are in no box and are excluded.
 */
class CornerIndex {
  private readonly x: Int32Array;
  private readonly y: Int32Array;
  private readonly tilesAcross: number;
  private readonly tilesDown: number;
  /** The rows of tile t are `rows[start[t]]` up to `rows[start[t + 1]]`. */
  private readonly start: Uint32Array;
  private readonly rows: Uint32Array;

  constructor(coords: Int32Array, frame: GroupFrame) {
    const n = coords.length / 2;
    this.x = new Int32Array(n);
    this.y = new Int32Array(n);
    this.tilesAcross = (frame.width >> TILE_BITS) + 1;
    this.tilesDown = (frame.height >> TILE_BITS) + 1;
    const tiles = new Int32Array(n).fill(-1);
    this.start = new Uint32Array(this.tilesAcross * this.tilesDown + 1);
    let inside = 0;
    for (let row = 0; row < n; row++) {
      const x = roundHalfEven((coords[2 * row] - frame.startX) / frame.downsample);
      const y = roundHalfEven((coords[2 * row + 1] - frame.startY) / frame.downsample);
      if (x < 0 || y < 0 || x >= frame.width || y >= frame.height) continue;
      this.x[row] = x;
      this.y[row] = y;
      tiles[row] = (y >> TILE_BITS) * this.tilesAcross + (x >> TILE_BITS);
      this.start[tiles[row] + 1]++;
      inside++;
    }
    for (let tile = 1; tile < this.start.length; tile++) this.start[tile] += this.start[tile - 1];
    this.rows = new Uint32Array(inside);
    const next = this.start.slice();
    for (let row = 0; row < n; row++) if (tiles[row] >= 0) this.rows[next[tiles[row]]++] = row;
  }

  /** Calls `visit` with the row and corner of every patch whose corner is in the half-open box. */
  eachIn([left, top, w, h]: Bbox, visit: (row: number, x: number, y: number) => void): void {
    if (w <= 0 || h <= 0) return;
    const lastTileX = Math.min(this.tilesAcross - 1, (left + w - 1) >> TILE_BITS);
    const lastTileY = Math.min(this.tilesDown - 1, (top + h - 1) >> TILE_BITS);
    for (let tileY = top >> TILE_BITS; tileY <= lastTileY; tileY++) {
      for (let tileX = left >> TILE_BITS; tileX <= lastTileX; tileX++) {
        const tile = tileY * this.tilesAcross + tileX;
        for (let at = this.start[tile]; at < this.start[tile + 1]; at++) {
          const row = this.rows[at];
          const x = this.x[row];
          const y = this.y[row];
          if (x >= left && x < left + w && y >= top && y < top + h) visit(row, x, y);
        }
      }
    }
  }
}

/** Set pixels of a mask as runs of column-major positions. */
class Runs {
  private readonly height: number;
  /** Run i of set pixels goes from `starts[i]` to `ends[i]` (exclusive). */
  private readonly starts: Uint32Array;
  private readonly ends: Uint32Array;

  constructor({ size: [height], counts }: Rle) {
    this.height = height;
    const stretches = counts.length >> 1;
    this.starts = new Uint32Array(stretches);
    this.ends = new Uint32Array(stretches);
    let at = 0;
    for (let i = 0; i < stretches; i++) {
      at += counts[2 * i];
      this.starts[i] = at;
      at += counts[2 * i + 1];
      this.ends[i] = at;
    }
  }

  /** Returns whether any pixel of the half-open rectangle is set. */
  anyIn(left: number, top: number, right: number, bottom: number): boolean {
    for (let x = left; x < right; x++) {
      const from = x * this.height + top;
      const to = x * this.height + bottom;
      const first = this.firstEndingAfter(from);
      if (first < this.ends.length && this.starts[first] < to) return true;
    }
    return false;
  }

  private firstEndingAfter(position: number): number {
    let low = 0;
    let high = this.ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle] > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
