import { SamMilError } from '../../../errors.js';

/**
 * Centres of `side` x `side` equal cells of the unit square, row by row.
 *
 * @returns side^2 x 2, (x, y)
 */
export function pointGrid(side: number): Float64Array {
  const first = 1 / (2 * side);
  const step = side > 1 ? (1 - first - first) / (side - 1) : 0;
  // The last one is set, not stepped to, as numpy's linspace does.
  const along = Array.from({ length: side }, (_, i) =>
    i > 0 && i === side - 1 ? 1 - first : i * step + first,
  );
  return Float64Array.from(along.flatMap((y) => along.flatMap((x) => [x, y])));
}

/**
 * Points along each side of a crop, for each layer: `pointsPerSide` divided by `downscale` from layer to layer, whole part.
 *
 * @throws SamMilError `InvalidInput` where a layer would be left without points
 */
export function gridSides(pointsPerSide: number, layers: number, downscale: number): number[] {
  const sides = Array.from({ length: layers + 1 }, (_, layer) =>
    Math.trunc(pointsPerSide / downscale ** layer),
  );
  const empty = sides.indexOf(0);
  if (empty < 0) return sides;
  throw new SamMilError('InvalidInput', `no points are left for crop layer ${empty}`, {
    expected: 'points-per-side of at least crop-n-points-downscale-factor to the power of crop-n-layers',
    found: `${pointsPerSide} points, factor ${downscale}, ${layers} layers`,
    next: 'raise points-per-side, or lower crop-n-layers or crop-n-points-downscale-factor',
  });
}
