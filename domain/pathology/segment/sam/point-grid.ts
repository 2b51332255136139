import { SamMilError } from '../../../errors.js';

/**
 * Returns the centers of `side` x `side` equal cells of the unit square, row by row.
 *
 * @returns side^2 x 2, (x, y)
 */
export function pointGrid(side: number): Float64Array {
  const first = 1 / (2 * side);
  const step = side > 1 ? (1 - first - first) / (side - 1) : 0;
  // The last value is set exactly, as in numpy's linspace.
  const along = Array.from({ length: side }, (_, i) =>
    i > 0 && i === side - 1 ? 1 - first : i * step + first,
  );
  return Float64Array.from(along.flatMap((y) => along.flatMap((x) => [x, y])));
}

/**
 * Returns the points per side of a crop for each layer: `pointsPerSide` divided by `downscale` per layer,
 * truncated.
 *
 * @throws SamMilError InvalidInput if a layer would have no points
 */
export function gridSides(pointsPerSide: number, layers: number, downscale: number): number[] {
  const sides = Array.from({ length: layers + 1 }, (_, layer) =>
    Math.trunc(pointsPerSide / downscale ** layer),
  );
  const empty = sides.indexOf(0);
  if (empty < 0) return sides;
  throw new SamMilError('InvalidInput', `crop layer ${empty} has no points`, {
    expected:
      'a `points-per-side` of at least `crop-n-points-downscale-factor` to the power of `crop-n-layers`',
    found: `${pointsPerSide} points, factor ${downscale}, ${layers} layers`,
    next: 'increase `points-per-side`, or decrease `crop-n-layers` or `crop-n-points-downscale-factor`',
  });
}
