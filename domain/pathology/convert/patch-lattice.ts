import { SamMilError } from '../../errors.js';
import type { Level0Px } from '../../units.js';

/** With this many pairs of neighbors, at least one pair must be exactly one step apart. */
const ENOUGH = 16;

/** Patches cut at a resolution between two levels may be off by one pixel. */
const SLACK = 1;

/**
 * Checks that patches lie on a grid of `step`. Each piece of tissue may have a separate grid (CLAM starts at
 * its bounding box), so the check uses distances between neighbors in a row or column: most must be multiples
 * of the step, and some must equal the step.
 *
 * @param coords N x 2 level-0 pixels
 * @throws SamMilError InvalidInput with the actual distance
 */
export function checkLattice(coords: Int32Array, step: Level0Px, file: string): void {
  const gaps = [...gapsAlong(coords, 0), ...gapsAlong(coords, 1)];
  const fitting = gaps.filter((gap) => gap >= step - SLACK && offBy(gap, step) <= SLACK);
  const beside = fitting.some((gap) => gap <= step + SLACK);
  if (fitting.length * 2 >= gaps.length && (beside || gaps.length < ENOUGH)) return;
  const common = commonest(gaps);
  throw new SamMilError('InvalidInput', 'the coords do not lie on the grid of the patch size', {
    file,
    expected: `neighboring patches ${step} level-0 pixels apart`,
    found: `mostly ${common} (${gaps.filter((gap) => gap === common).length} of ${gaps.length} pairs)`,
    next: 'correct `patch-size-level0`, or set `step-size` to the distance between patches',
  });
}

/** Distances between neighbors along one axis (0: x, 1: y) that share the other coordinate. */
function gapsAlong(coords: Int32Array, axis: 0 | 1): number[] {
  const lines = new Map<number, number[]>();
  for (let i = 0; i < coords.length; i += 2) {
    const line = lines.get(coords[i + axis]);
    const place = coords[i + 1 - axis];
    if (line === undefined) lines.set(coords[i + axis], [place]);
    else line.push(place);
  }
  return [...lines.values()].flatMap((line) => {
    const places = line.sort((a, b) => a - b);
    return places.slice(1).map((place, i) => place - places[i]);
  });
}

/** Distance to the nearest multiple. */
function offBy(gap: number, step: number): number {
  return Math.abs(gap - Math.round(gap / step) * step);
}

function commonest(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0][0];
}
