import type { Outline } from './polygon.js';

/** All outlines of a binary mask in the order of OpenCV, in mask pixels. */
export interface FoundContours {
  outlines: Outline[];
  /** 4 numbers per outline: next, previous, first child, parent; -1 for none. */
  hierarchy: Int32Array;
}

/** Steps to the eight neighbors, counterclockwise from the right one (y points down). */
const STEP_X = [1, 1, 0, -1, -1, -1, 0, 1];
const STEP_Y = [0, -1, -1, -1, 0, 1, 1, 1];

/** States of a pixel while the mask is scanned. */
const BACKGROUND = 0;
/** 255 as a signed byte: tissue that no outline has reached. */
const UNTOUCHED = -1;
const ON_BORDER = 1;
/** On an outline whose right neighbor is known to be background, so no hole starts there. */
const ON_RIGHT_BORDER = 2;

const UNTOUCHED_WORD = -1;
const BACKGROUND_WORD = 0;

/** State of an outline while the mask is scanned. Its number is its index plus 1, because 0 means none. */
interface Traced {
  outline: Outline;
  hole: boolean;
  /** Number of the tissue outline that contains a hole; 0 for tissue. */
  parent: number;
}

/**
 * Traces the outlines of tissue and its holes with one point per border pixel. The result, including order
 * and hierarchy, equals OpenCV's findContours with RETR_CCOMP and CHAIN_APPROX_NONE. Border following after
 * S. Suzuki and K. Abe, Topological structural analysis of digitized binary images by border following, CVGIP
 * 30 (1985), algorithm 1. `mask` is 0 or 255, `height` x `width`. Memory: 1 byte per pixel, and 4 more near
 * outlines.
 */
export function traceContours(mask: Uint8Array, width: number, height: number): FoundContours {
  const grid = new BorderGrid(mask, width, height);
  const traced: Traced[] = [];
  for (let y = 1; y <= height; y++) scanRow(grid, y, traced);
  return inOrder(traced);
}

/** Traces the outlines that start in row `y`. */
function scanRow(grid: BorderGrid, y: number, traced: Traced[]): void {
  const { marks, words, stride } = grid;
  const end = (y + 1) * stride;
  let before = BACKGROUND;
  /** Position of the last outline pixel met in this row; 0 for none. */
  let last = 0;
  for (let at = y * stride; at < end; at++) {
    if ((at & 3) === 0) {
      const alike = before === BACKGROUND ? BACKGROUND_WORD : UNTOUCHED_WORD;
      if (before === BACKGROUND || before === UNTOUCHED) while (at < end && words[at >> 2] === alike) at += 4;
      if (at >= end) return;
    }
    const mark = marks[at];
    if (mark === before) continue;
    const outer = before === BACKGROUND && mark === UNTOUCHED;
    if (outer || (mark === BACKGROUND && before !== ON_RIGHT_BORDER)) {
      const from = outer ? at : at - 1;
      if (before === ON_BORDER) last = from;
      const around = traced[grid.owners[last] - 1] as Traced | undefined;
      const parent = outer || around === undefined ? 0 : around.hole ? around.parent : grid.owners[last];
      traced.push({ outline: grid.trace(from, !outer, traced.length + 1), hole: !outer, parent });
      last = from;
    }
    before = marks[at];
    if (before > 0) last = at;
  }
}

/** The mask with a background border and rows padded to whole words, and the owners of border pixels. */
class BorderGrid {
  readonly stride: number;
  readonly marks: Int8Array;
  readonly words: Int32Array;
  /**
   * Number of the outline that passed a border pixel last. Only pages near outlines are touched and use
   * memory.
   */
  readonly owners: Int32Array;
  /** Offsets of the neighbors, twice around. */
  private readonly steps: Int32Array;
  private points = new Int32Array(1 << 12);

  constructor(mask: Uint8Array, width: number, height: number) {
    this.stride = (width + 2 + 3) & ~3;
    this.marks = new Int8Array(this.stride * (height + 2));
    this.words = new Int32Array(this.marks.buffer);
    this.owners = new Int32Array(this.marks.length);
    this.steps = Int32Array.from({ length: 16 }, (_, s) => STEP_X[s & 7] + STEP_Y[s & 7] * this.stride);
    for (let y = 0; y < height; y++) {
      this.marks.set(
        new Int8Array(mask.buffer, mask.byteOffset + y * width, width),
        (y + 1) * this.stride + 1,
      );
    }
  }

  /** Follows and marks one border from the pixel `from`. */
  trace(from: number, hole: boolean, number: number): Outline {
    const { marks, owners, steps } = this;
    const turned = hole ? 0 : 4;
    let s = turned;
    let first: number;
    do {
      s = (s - 1) & 7;
      first = from + steps[s];
    } while (marks[first] === BACKGROUND && s !== turned);
    let x = (from % this.stride) - 1;
    let y = Math.floor(from / this.stride) - 1;
    if (s === turned) {
      marks[from] = ON_RIGHT_BORDER;
      owners[from] = number;
      return Int32Array.of(x, y);
    }
    let count = 0;
    for (let at = from; ;) {
      const came = s;
      let next: number;
      do {
        next = at + steps[++s];
      } while (marks[next] === BACKGROUND);
      s &= 7;
      // The search around the pixel visited the background to the right.
      const right = s > 0 && s - 1 < came;
      if (right || marks[at] === UNTOUCHED) {
        marks[at] = right ? ON_RIGHT_BORDER : ON_BORDER;
        owners[at] = number;
      }
      if (count + 2 > this.points.length) this.grow();
      this.points[count++] = x;
      this.points[count++] = y;
      x += STEP_X[s];
      y += STEP_Y[s];
      if (next === from && at === first) return this.points.slice(0, count);
      at = next;
      s = (s + 4) & 7;
    }
  }

  private grow(): void {
    const longer = new Int32Array(this.points.length * 2);
    longer.set(this.points);
    this.points = longer;
  }
}

/** Sorts as OpenCV does: the last found tissue comes first, followed by its holes, also in reverse order. */
function inOrder(traced: readonly Traced[]): FoundContours {
  const holesOf = new Map<number, Outline[]>();
  for (const { outline, parent } of traced) {
    if (parent === 0) continue;
    const holes = holesOf.get(parent);
    if (holes === undefined) holesOf.set(parent, [outline]);
    else holes.push(outline);
  }
  const outlines: Outline[] = [];
  const hierarchy = new Int32Array(traced.length * 4).fill(-1);
  let previous = -1;
  for (let index = traced.length - 1; index >= 0; index--) {
    if (traced[index].hole) continue;
    const place = outlines.length;
    const holes = (holesOf.get(index + 1) ?? []).reverse();
    if (previous >= 0) hierarchy[previous * 4] = place;
    hierarchy.set([-1, previous, holes.length > 0 ? place + 1 : -1, -1], place * 4);
    outlines.push(traced[index].outline);
    for (const hole of holes) outlines.push(hole);
    holes.forEach((_, h) => {
      const next = h + 1 < holes.length ? place + h + 2 : -1;
      hierarchy.set([next, h > 0 ? place + h : -1, -1, place], (place + 1 + h) * 4);
    });
    previous = place;
  }
  return { outlines, hierarchy };
}
