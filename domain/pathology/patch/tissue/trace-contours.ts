import type { Outline } from './polygon.js';

/** All outlines of a binary mask in OpenCV's order, in pixels of the mask. */
export interface FoundContours {
  outlines: Outline[];
  /** 4 numbers an outline: next, previous, first child, parent; -1 for none. */
  hierarchy: Int32Array;
}

/** Steps to the eight neighbours, counter-clockwise from the right one (y points down). */
const STEP_X = [1, 1, 0, -1, -1, -1, 0, 1];
const STEP_Y = [0, -1, -1, -1, 0, 1, 1, 1];

/** What a pixel may be while the mask is scanned. */
const BACKGROUND = 0;
/** 255 as a signed byte: tissue that no outline has met. */
const UNTOUCHED = -1;
const ON_BORDER = 1;
/** On an outline, and the pixel to the right was seen to be background: no hole begins there. */
const ON_RIGHT_BORDER = 2;

const UNTOUCHED_WORD = -1;
const BACKGROUND_WORD = 0;

/** What is known of an outline while the mask is scanned; its number is its place in the list and 1, as 0 means none. */
interface Traced {
  outline: Outline;
  hole: boolean;
  /** Number of the tissue outline a hole lies in; 0 for tissue. */
  parent: number;
}

/**
 * Outlines of tissue and of the holes in it, every border pixel a point: equal, order and hierarchy included, to OpenCV's findContours with
 * RETR_CCOMP and CHAIN_APPROX_NONE. Border following after S. Suzuki and K. Abe, Topological structural analysis of digitized binary images by
 * border following, CVGIP 30 (1985), algorithm 1. `mask` is 0 or 255, `height` x `width`. Memory: 1 byte a pixel, and 4 near outlines.
 */
export function traceContours(mask: Uint8Array, width: number, height: number): FoundContours {
  const grid = new BorderGrid(mask, width, height);
  const traced: Traced[] = [];
  for (let y = 1; y <= height; y++) scanRow(grid, y, traced);
  return inOrder(traced);
}

/** Traces the outlines that begin in row `y`. */
function scanRow(grid: BorderGrid, y: number, traced: Traced[]): void {
  const { marks, words, stride } = grid;
  const end = (y + 1) * stride;
  let before = BACKGROUND;
  /** Where in this row an outline was met last; 0 for nowhere. */
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

/** The mask with background around it, rows padded to whole words, and who owns the border pixels. */
class BorderGrid {
  readonly stride: number;
  readonly marks: Int8Array;
  readonly words: Int32Array;
  /** Number of the outline that passed a border pixel last. Only pages near outlines are ever touched, and so take memory. */
  readonly owners: Int32Array;
  /** Offsets of the neighbours, twice around. */
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

  /** Follows one border from the pixel `from` and marks it. */
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
      // The background to the right was looked at on the way around.
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

/** OpenCV's order: the tissue found last comes first, and after it the holes in it, likewise. */
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
