import type { RandomStream } from '../../random.js';
import { PATCH_SIDE } from './source-patches.js';

/** Overlap of neighboring blocks in pixels. The seam runs where they differ least. */
const OVERLAP = 64;
const STRIDE = PATCH_SIDE - OVERLAP;

/** Candidate blocks per position; the one that fits its neighbors best is used. */
const TRIES = 12;

/** Half the width of the transition along a seam. */
const FEATHER = 3;

/** Keeps the seam away from both ends of the overlap, so that its transition has pixels on both sides. */
const LAST = OVERLAP - FEATHER;

/** A texture: `side` x `side` RGB. */
export interface Texture {
  rgb: Uint8Array;
  side: number;
}

/**
 * Assembles a square of tissue row by row from patches in all eight orientations, each cut along the path of
 * least difference to the existing texture (Efros and Freeman, "Image quilting for texture synthesis and
 * transfer", SIGGRAPH 2001). Seams therefore follow the tissue instead of a grid.
 */
export function quilt(patches: readonly Uint8Array[], side: number, random: RandomStream): Texture {
  const blocks = Math.max(1, Math.ceil((side - OVERLAP) / STRIDE));
  const texture: Texture = { side: blocks * STRIDE + OVERLAP, rgb: new Uint8Array(0) };
  texture.rgb = new Uint8Array(texture.side ** 2 * 3);
  const used: number[] = [];
  const oriented = patches.map(() => new Map<number, Uint8Array>());
  const getBlock = (patch: number, orientation: number) => {
    const known = oriented[patch].get(orientation);
    if (known !== undefined) return known;
    const block = orient(patches[patch], orientation);
    oriented[patch].set(orientation, block);
    return block;
  };
  for (let row = 0; row < blocks; row++) {
    for (let column = 0; column < blocks; column++) {
      const near = [used[used.length - 1], used[used.length - blocks], used[used.length - blocks - 1]];
      const place = { x: column * STRIDE, y: row * STRIDE };
      const { block, patch } = bestBlock(texture, place, patches.length, getBlock, near, random);
      used.push(patch);
      sew(texture, place, block);
    }
  }
  return texture;
}

interface Place {
  x: number;
  y: number;
}

function bestBlock(
  texture: Texture,
  place: Place,
  patches: number,
  getBlock: (patch: number, orientation: number) => Uint8Array,
  near: readonly number[],
  random: RandomStream,
): { block: Uint8Array; patch: number } {
  let best: { block: Uint8Array; patch: number; misfit: number } | undefined;
  for (let tries = 0; tries < TRIES; tries++) {
    const patch = random.below(patches);
    const orientation = random.below(8);
    // A patch next to itself is visible, but unavoidable with few patches.
    if (near.includes(patch) && (best !== undefined || tries < TRIES - 1)) continue;
    const block = getBlock(patch, orientation);
    const misfit = computeMisfit(texture, place, block);
    if (best === undefined || misfit < best.misfit) best = { block, patch, misfit };
  }
  return best!;
}

/** For each of the eight orientations (quarter turns, mirrored from 4 on), the source pixel of each pixel. */
const ORIENTATIONS = Array.from({ length: 8 }, (_, orientation) => {
  const last = PATCH_SIDE - 1;
  return Int32Array.from({ length: PATCH_SIDE ** 2 }, (_, pixel) => {
    let [x, y] = [pixel % PATCH_SIDE, Math.floor(pixel / PATCH_SIDE)];
    if (orientation & 4) x = last - x;
    for (let turn = orientation & 3; turn > 0; turn--) [x, y] = [y, last - x];
    return y * PATCH_SIDE + x;
  });
});

/** Rotates and mirrors a square patch to one of eight orientations. */
export function orient(rgb: Uint8Array, orientation: number): Uint8Array {
  const result = new Uint8Array(rgb.length);
  const sources = ORIENTATIONS[orientation];
  for (let pixel = 0; pixel < sources.length; pixel++) {
    const source = sources[pixel] * 3;
    result[pixel * 3] = rgb[source];
    result[pixel * 3 + 1] = rgb[source + 1];
    result[pixel * 3 + 2] = rgb[source + 2];
  }
  return result;
}

/** Squared difference to the texture under the block, at every second pixel of the overlaps. */
function computeMisfit(texture: Texture, { x, y }: Place, block: Uint8Array): number {
  let sum = 0;
  for (let row = 0; row < PATCH_SIDE; row += 2) {
    const top = y > 0 && row < OVERLAP;
    const end = top ? PATCH_SIDE : x > 0 ? OVERLAP : 0;
    for (let column = 0; column < end; column += 2) sum += difference(texture, x, y, block, column, row);
  }
  return sum;
}

function difference(
  { rgb, side }: Texture,
  x: number,
  y: number,
  block: Uint8Array,
  column: number,
  row: number,
): number {
  const there = ((y + row) * side + x + column) * 3;
  const here = (row * PATCH_SIDE + column) * 3;
  const r = rgb[there] - block[here];
  const g = rgb[there + 1] - block[here + 1];
  const b = rgb[there + 2] - block[here + 2];
  return r * r + g * g + b * b;
}

/** Copies the part of the block beyond the seams with its left and upper neighbors. */
function sew(texture: Texture, { x, y }: Place, block: Uint8Array): void {
  const left = x > 0 ? seam((row, across) => difference(texture, x, y, block, across, row)) : undefined;
  const upper =
    y > 0 ? seam((column, across) => difference(texture, x, y, block, column, across)) : undefined;
  for (let row = 0; row < PATCH_SIDE; row++) {
    for (let column = 0; column < PATCH_SIDE; column++) {
      const share = Math.min(beyond(left, row, column), beyond(upper, column, row));
      if (share === 0) continue;
      const there = ((y + row) * texture.side + x + column) * 3;
      const here = (row * PATCH_SIDE + column) * 3;
      // Far beyond both seams, the rest of the row is copied.
      if (column >= OVERLAP + FEATHER && row >= OVERLAP + FEATHER) {
        texture.rgb.set(block.subarray(here, (row + 1) * PATCH_SIDE * 3), there);
        break;
      }
      for (let c = 0; c < 3; c++) {
        const old = texture.rgb[there + c];
        texture.rgb[there + c] = Math.round(old + share * (block[here + c] - old));
      }
    }
  }
}

/** 0 before the seam and 1 beyond it, with a transition of a few pixels. */
function beyond(path: Int32Array | undefined, along: number, across: number): number {
  if (path === undefined) return 1;
  return Math.max(0, Math.min(1, (across - path[along] + FEATHER) / (2 * FEATHER)));
}

/** For each step along the overlap, the position of the cheapest connected path across it. */
function seam(cost: (along: number, across: number) => number): Int32Array {
  const totals = new Float64Array(PATCH_SIDE * OVERLAP).fill(Infinity);
  for (let along = 0; along < PATCH_SIDE; along++) {
    for (let across = FEATHER; across <= LAST; across++) {
      const before = along === 0 ? 0 : totals[cheapest(totals, along - 1, across)];
      totals[along * OVERLAP + across] = before + cost(along, across);
    }
  }
  const path = new Int32Array(PATCH_SIDE).fill(FEATHER);
  const end = (PATCH_SIDE - 1) * OVERLAP;
  for (let across = FEATHER; across <= LAST; across++) {
    if (totals[end + across] < totals[end + path[PATCH_SIDE - 1]]) path[PATCH_SIDE - 1] = across;
  }
  for (let along = PATCH_SIDE - 2; along >= 0; along--) {
    path[along] = cheapest(totals, along, path[along + 1]) - along * OVERLAP;
  }
  return path;
}

/** Index of the lowest total of a step among the three positions around `across`. */
function cheapest(totals: Float64Array, along: number, across: number): number {
  let best = along * OVERLAP + across;
  if (across > 0 && totals[best - 1] < totals[best]) best--;
  const right = along * OVERLAP + across + 1;
  if (across < LAST && totals[right] < totals[best]) best = right;
  return best;
}
