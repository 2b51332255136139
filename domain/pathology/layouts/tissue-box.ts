import type { Level0Px } from '../../units.js';

/** A half-open rectangle in level-0 pixels. */
export interface Box {
  startX: Level0Px;
  startY: Level0Px;
  stopX: Level0Px;
  stopY: Level0Px;
}

/**
 * Returns the box of all points (N x 2 each) of tissue outlines, from the minimum to the maximum, as in the
 * scripts of SAM-MIL; at least one pixel wide and high. Undefined without points.
 */
export function tissueBounds(outlines: Iterable<Int32Array>): Box | undefined {
  const [startX, startY, lastX, lastY] = computeExtent(outlines);
  if (lastX < startX) return undefined;
  return { startX, startY, stopX: Math.max(startX + 1, lastX), stopY: Math.max(startY + 1, lastY) };
}

/** Returns the minimum x and y and the maximum x and y of points (N x 2 each); infinite without points. */
export function computeExtent(parts: Iterable<Int32Array>): [Level0Px, Level0Px, Level0Px, Level0Px] {
  const reach: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const points of parts) {
    for (let i = 0; i < points.length; i += 2) {
      reach[0] = Math.min(reach[0], points[i]);
      reach[1] = Math.min(reach[1], points[i + 1]);
      reach[2] = Math.max(reach[2], points[i]);
      reach[3] = Math.max(reach[3], points[i + 1]);
    }
  }
  return reach;
}
