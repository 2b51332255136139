/** Low-resolution samples that an output sample may depend on: two bilinear steps reach three neighbors. */
export const TAPS = 3;

/**
 * Weights that map samples along one axis of low-resolution logits to those of the crop. Outputs that depend
 * on the same three samples form a group: if all three are below a threshold, so is every output between
 * them.
 */
export interface UpscaleTaps {
  /**
   * Per output: weights of samples `base`, `base + 1` and `base + 2` of its group. They are nonnegative and
   * sum to 1.
   */
  weights: Float64Array;
  /** Per group: index of its first sample. */
  base: Int32Array;
  /** Outputs of group g: `start[g]` to `start[g + 1]` (exclusive). */
  start: Int32Array;
}

/**
 * Combines the two steps of segment-anything: bilinear from `side` to `square` samples, of which the first
 * `scaled` are kept (the rest is padding), then bilinear to `size`. Both are without aligned corners and use
 * positions in single precision, as in PyTorch.
 *
 * @param side number of low-resolution samples, at least 3
 */
export function upscaleTaps(side: number, square: number, scaled: number, size: number): UpscaleTaps {
  const first = bilinear(side, square);
  const second = bilinear(scaled, size);
  const weights = new Float64Array(TAPS * size);
  const base: number[] = [];
  const start: number[] = [];
  for (let output = 0; output < size; output++) {
    const middle = second[output];
    const from = Math.min(first[middle.low].low, side - TAPS);
    if (base.at(-1) !== from) {
      base.push(from);
      start.push(output);
    }
    for (const [at, share] of [
      [middle.low, 1 - middle.rest],
      [middle.high, middle.rest],
    ]) {
      const { low, high, rest } = first[at];
      if (share === 0) continue;
      weights[TAPS * output + low - from] += share * (1 - rest);
      weights[TAPS * output + high - from] += share * rest;
    }
  }
  return { weights, base: Int32Array.from(base), start: Int32Array.from([...start, size]) };
}

interface Tap {
  low: number;
  high: number;
  /** Weight of `high`; the weight of `low` is 1 minus it. */
  rest: number;
}

function bilinear(from: number, to: number): Tap[] {
  const scale = Math.fround(from / to);
  return Array.from({ length: to }, (_, output) => {
    const position = Math.max(0, Math.fround(Math.fround(scale * (output + 0.5)) - 0.5));
    const low = Math.min(Math.floor(position), from - 1);
    const high = Math.min(low + 1, from - 1);
    return { low, high, rest: Math.min(Math.max(Math.fround(position - low), 0), 1) };
  });
}
