import { SamMilError } from '../../errors.js';
import type { Level0Px } from '../../units.js';

/** From so many pairs of neighbours on, tissue without one pair side by side is not believed. */
const ENOUGH = 16;

/** Patches cut at a resolution between two levels lie a pixel to either side of their places. */
const SLACK = 1;

/**
 * Refuses patches that do not lie `step` apart. Each piece of tissue may have a grid of its own (CLAM begins at its bounding box), so what counts is the
 * distance of neighbours in a row or column: most are multiples of the step, and some are the step itself.
 *
 * @param coords N x 2 level-0 pixels
 * @throws SamMilError InvalidInput with the distance that is there
 */
export function checkLattice(coords: Int32Array, step: Level0Px, file: string): void {
  const gaps = [...gapsAlong(coords, 0), ...gapsAlong(coords, 1)];
  const fitting = gaps.filter((gap) => gap >= step - SLACK && offBy(gap, step) <= SLACK);
  const beside = fitting.some((gap) => gap <= step + SLACK);
  if (fitting.length * 2 >= gaps.length && (beside || gaps.length < ENOUGH)) return;
  const common = commonest(gaps);
  throw new SamMilError('InvalidInput', 'the coords do not lie on the grid that the patch size makes', {
    file,
    expected: `neighbouring patches ${step} level-0 pixels apart`,
    found: `${common} most often (${gaps.filter((gap) => gap === common).length} of ${gaps.length} pairs)`,
    next: 'correct `patch-size-level0`, or say with `step-size` how far apart patches were cut',
  });
}

/** Distances of neighbours that share one coordinate: of x for columns (axis 0), of y for rows. */
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
