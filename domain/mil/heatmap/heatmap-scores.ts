import type { Level0Px } from '../../units.js';
import type { Region } from '../../pathology/annotations/region.js';
import { RegionIndex } from '../../pathology/annotations/region-index.js';
import { auc, midranks } from '../../statistics/ranking.js';

/** How well patch scores find the annotated lesion. */
export interface LesionFit {
  /**
   * AUC of the scores against membership (at least half of the patch inside). null where all patches are
   * inside or all are outside.
   */
  auc: number | null;
  patches: number;
  inLesion: number;
  /** Share of the total score on lesion patches. For attention, compare it with inLesion / patches. */
  massInLesion: number;
}

/**
 * Scales scores for display. `rank` spreads them evenly over [0, 1] by midrank, like CLAM's attention maps;
 * this hides how unequal they are, which the scores file preserves. `range` stretches the minimum to 0 and
 * the maximum to 1. `none` leaves probabilities unchanged.
 *
 * @returns Float64Array in [0, 1]; 0.5 everywhere if all scores are equal (except for `none`)
 */
export function scaleScores(scores: ArrayLike<number>, scale: 'rank' | 'range' | 'none'): Float64Array {
  if (scale === 'none') return Float64Array.from(scores, (score) => Math.min(1, Math.max(0, score)));
  const values = scale === 'rank' ? midranks(scores) : Float64Array.from(scores);
  const [least, most] = [
    scale === 'rank' ? 1 : extreme(values, Math.min),
    scale === 'rank' ? values.length : extreme(values, Math.max),
  ];
  return values.map((value) => (most > least ? (value - least) / (most - least) : 0.5));
}

function extreme(values: Float64Array, pick: (a: number, b: number) => number): number {
  return values.reduce((best, value) => pick(best, value));
}

/**
 * Paints patch scores on a grid of `width` x `height` cells that covers the slide.
 *
 * @param coords N x 2 upper left corners, level-0 pixels
 * @param values N numbers
 * @param scale cells per level-0 pixel (x, y)
 * @param smooth true: a cell under several patches gets their mean; false: it gets the last of them in file
 *   order
 * @returns row-major; NaN where there is no patch
 */
export function paintScores(
  coords: ArrayLike<Level0Px>,
  values: ArrayLike<number>,
  size: Level0Px,
  grid: { width: number; height: number; scale: readonly [number, number] },
  smooth: boolean,
): Float32Array {
  const { width, height } = grid;
  const sums = new Float64Array(width * height);
  const counts = new Uint32Array(width * height);
  for (let i = 0; i < values.length; i++) {
    const [x0, x1] = span(coords[2 * i], size, grid.scale[0], width);
    const [y0, y1] = span(coords[2 * i + 1], size, grid.scale[1], height);
    for (let y = y0; y < y1; y++) {
      for (let cell = y * width + x0; cell < y * width + x1; cell++) {
        sums[cell] = smooth ? sums[cell] + values[i] : values[i];
        counts[cell] = smooth ? counts[cell] + 1 : 1;
      }
    }
  }
  return Float32Array.from(sums, (sum, cell) => (counts[cell] === 0 ? NaN : sum / counts[cell]));
}

/** Cells under a patch along one axis: at least one, within the grid. */
function span(start: number, size: number, scale: number, cells: number): [number, number] {
  const from = Math.min(cells - 1, Math.max(0, Math.round(start * scale)));
  return [from, Math.min(cells, Math.max(from + 1, Math.round((start + size) * scale)))];
}

/** Compares patch scores with an annotation. A patch counts as lesion if at least half of it is inside. */
export function lesionFit(
  coords: ArrayLike<Level0Px>,
  scores: ArrayLike<number>,
  size: Level0Px,
  regions: readonly Region[],
): LesionFit {
  const lesion = new RegionIndex(regions);
  const inside = Array.from(scores, (_, i) =>
    lesion.coveredShare(coords[2 * i], coords[2 * i + 1], size) >= 0.5 ? 1 : 0,
  );
  const area = auc(scores, inside);
  const total = Array.from(scores).reduce((sum, score) => sum + score, 0);
  const mass = inside.reduce<number>((sum, member, i) => sum + member * scores[i], 0);
  return {
    auc: Number.isNaN(area) ? null : area,
    patches: scores.length,
    inLesion: inside.reduce<number>((sum, member) => sum + member, 0),
    massInLesion: total === 0 ? 0 : mass / total,
  };
}
