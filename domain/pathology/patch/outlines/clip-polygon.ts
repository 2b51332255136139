import { booleanOpWithPolyTree, ClipType, FillRule, PolyTree64, type PolyPath64 } from 'clipper2-ts';
import Flatbush from 'flatbush';
import type { Ring } from '../../annotations/region.js';
import type { TissueContour } from '../tissue/contours.js';
import { boundingBox, type Outline } from '../tissue/polygon.js';

/** A polygon as contours in whole level-0 pixels, and why it differs from what was drawn. */
export interface CleanPolygon {
  contours: TissueContour[];
  clipped?: 'leaves the slide' | 'crosses or touches itself';
}

type SlideSize = readonly [width: number, height: number];

/**
 * Converts a polygon (outline, then holes) to contours with coordinates truncated as in CLAM. An outline that
 * leaves the slide is cut off at its border; one that crosses or touches itself is divided by the even-odd
 * rule. Without either, its points remain as they are. No contours are left if it lies outside the slide.
 */
export function cleanPolygon(rings: readonly Ring[], size: SlideSize): CleanPolygon {
  const [outline, ...holes] = rings.map(truncated);
  const outside = rings[0].some(([x, y]) => x < 0 || y < 0 || x > size[0] || y > size[1]);
  const crossed = rings.some(crossesItself);
  if (!outside && !crossed && holes.every((hole) => isWithin(hole, outline))) {
    return { contours: [{ outline, holes }] };
  }
  const border = Int32Array.of(0, 0, size[0], 0, size[0], size[1], 0, size[1]);
  const contours = intersection(outline, border).map((piece) => ({
    outline: piece.outline,
    holes: [...piece.holes, ...holes.flatMap((hole) => intersection(hole, piece.outline).map(outlineOf))],
  }));
  return { contours, clipped: outside ? 'leaves the slide' : 'crosses or touches itself' };
}

function outlineOf({ outline }: TissueContour): Outline {
  return outline;
}

function truncated(ring: Ring): Outline {
  const points: number[] = [];
  for (const [exactX, exactY] of ring) {
    const [x, y] = [Math.trunc(exactX), Math.trunc(exactY)];
    if (points.length === 0 || points.at(-2) !== x || points.at(-1) !== y) points.push(x, y);
  }
  if (points.length > 2 && points[0] === points.at(-2) && points[1] === points.at(-1)) points.splice(-2);
  return Int32Array.from(points);
}

/** By their boxes, which is enough to find holes that were drawn apart from their outline. */
function isWithin(hole: Outline, outline: Outline): boolean {
  const [inner, outer] = [boundingBox(hole), boundingBox(outline)];
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

/** What two outlines have in common, by the even-odd rule. */
function intersection(first: Outline, second: Outline): TissueContour[] {
  const tree = new PolyTree64();
  const [subject, clip] = [first, second].map((outline) => [pathOf(withoutSpikes(outline))]);
  booleanOpWithPolyTree(ClipType.Intersection, subject, clip, tree, FillRule.EvenOdd);
  const contours: TissueContour[] = [];
  collect(tree, contours);
  return contours;
}

function collect(parent: PolyPath64, contours: TissueContour[]): void {
  for (let i = 0; i < parent.count; i++) {
    const outer = parent.child(i);
    const holes = Array.from({ length: outer.count }, (_, hole) => outer.child(hole));
    contours.push(...divided(ringOf(outer), holes.map(ringOf)));
    for (const hole of holes) collect(hole, contours);
  }
}

/**
 * Removes points between two edges on one line, also where the outline returns on its own line: Clipper loses
 * corners next to such spikes.
 */
function withoutSpikes(outline: Outline): Outline {
  const points = Array.from({ length: outline.length / 2 }, (_, i) => outline.subarray(2 * i, 2 * i + 2));
  for (let before = Infinity; points.length >= 3 && points.length < before;) {
    before = points.length;
    for (let i = points.length - 1; i >= 0 && points.length >= 3; i--) {
      const [previous, next] = [
        points[(i + points.length - 1) % points.length],
        points[(i + 1) % points.length],
      ];
      const [dx, dy] = [next[0] - previous[0], next[1] - previous[1]];
      const [px, py] = [points[i][0] - previous[0], points[i][1] - previous[1]];
      if (dx * py === dy * px) points.splice(i, 1);
    }
  }
  return Int32Array.from(points.flatMap(([x, y]) => [x, y]));
}

/** Divides an outline where it touches itself: into pieces, and holes that touch the outline in a corner. */
function divided(outline: Outline, holes: readonly Outline[]): TissueContour[] {
  const loops = loopsOf(outline);
  const turn = Math.sign(signedArea(outline));
  const isPiece = (loop: Outline) => Math.sign(signedArea(loop)) === turn;
  const pieces = loops.filter(isPiece);
  const inner = [...holes, ...loops.filter((loop) => !isPiece(loop))];
  return pieces.map((piece) => ({
    outline: piece,
    holes: pieces.length === 1 ? inner : inner.filter((hole) => isWithin(hole, piece)),
  }));
}

/** The loops of a ring that touches itself only in its corners. */
function loopsOf(ring: Outline): Outline[] {
  const loops: Outline[] = [];
  const path: [number, number][] = [];
  const places = new Map<string, number>();
  for (let i = 0; i < ring.length; i += 2) {
    const corner = `${ring[i]},${ring[i + 1]}`;
    const from = places.get(corner);
    if (from !== undefined) {
      const loop = path.splice(from);
      for (const [x, y] of loop) places.delete(`${x},${y}`);
      loops.push(Int32Array.from(loop.flat()));
    }
    places.set(corner, path.length);
    path.push([ring[i], ring[i + 1]]);
  }
  return [...loops, Int32Array.from(path.flat())].filter((loop) => loop.length >= 6);
}

function signedArea(ring: Outline): number {
  let doubled = 0;
  let [x0, y0] = ring.subarray(-2);
  for (let i = 0; i < ring.length; i += 2) {
    doubled += x0 * ring[i + 1] - y0 * ring[i];
    [x0, y0] = [ring[i], ring[i + 1]];
  }
  return doubled / 2;
}

function pathOf(outline: Outline): { x: number; y: number }[] {
  return Array.from({ length: outline.length / 2 }, (_, i) => ({ x: outline[2 * i], y: outline[2 * i + 1] }));
}

function ringOf({ poly }: PolyPath64): Outline {
  return Int32Array.from((poly ?? []).flatMap(({ x, y }) => [x, y]));
}

/** Whether two edges of a ring that do not follow each other have a point in common. */
function crossesItself(ring: Ring): boolean {
  const points = ring.filter(([x, y], i) => {
    const [beforeX, beforeY] = ring[(i + ring.length - 1) % ring.length];
    return x !== beforeX || y !== beforeY;
  });
  const count = points.length;
  if (count < 4) return false;
  const edges = new Flatbush(count);
  points.forEach(([x0, y0], i) => {
    const [x1, y1] = points[(i + 1) % count];
    edges.add(Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1));
  });
  edges.finish();
  return points.some(([x0, y0], i) => {
    const [x1, y1] = points[(i + 1) % count];
    const near = edges.search(Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1));
    return near.some((other) => {
      const apart = Math.abs(other - i);
      if (other <= i || apart === 1 || apart === count - 1) return false;
      return meet(points[i], points[(i + 1) % count], points[other], points[(other + 1) % count]);
    });
  });
}

type Place = readonly [number, number];

/** Whether two edges whose boxes meet have a common point. */
function meet(a: Place, b: Place, c: Place, d: Place): boolean {
  const side = ([x0, y0]: Place, [x1, y1]: Place, [x, y]: Place) =>
    Math.sign((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0));
  return side(a, b, c) * side(a, b, d) <= 0 && side(c, d, a) * side(c, d, b) <= 0;
}
