/**
 * Texture statistics of one plane (`size` x `size`, row-major). All use double arithmetic in a fixed order,
 * which gives the same bits everywhere.
 */

export interface Moments {
  mean: number;
  std: number;
  skewness: number;
}

export function computeMoments(values: ArrayLike<number>): Moments {
  const n = values.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i];
  const mean = sum / n;
  let square = 0;
  let cube = 0;
  for (let i = 0; i < n; i++) {
    const centered = values[i] - mean;
    square += centered * centered;
    cube += centered * centered * centered;
  }
  const std = Math.sqrt(square / n);
  return { mean, std, skewness: std < 1e-6 ? 0 : cube / n / (std * std * std) };
}

/**
 * Computes the values below which the given shares of a plane are, between -0.5 and 3.5, with the precision
 * of a histogram bin (1/256).
 */
export function percentiles(values: Float32Array, shares: readonly number[]): number[] {
  const [low, bins, scale] = [-0.5, 1024, 256];
  const histogram = new Uint32Array(bins);
  for (let i = 0; i < values.length; i++) {
    histogram[Math.min(bins - 1, Math.max(0, Math.floor((values[i] - low) * scale)))]++;
  }
  return shares.map((share) => {
    let left = share * values.length;
    let bin = 0;
    while (bin < bins - 1 && left > histogram[bin]) left -= histogram[bin++];
    return low + (bin + 0.5) / scale;
  });
}

export function shareAbove(values: Float32Array, limit: number): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i] > limit) count++;
  return count / values.length;
}

export function correlation(a: Float32Array, b: Float32Array): number {
  const [of, other] = [computeMoments(a), computeMoments(b)];
  if (of.std < 1e-6 || other.std < 1e-6) return 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - of.mean) * (b[i] - other.mean);
  return sum / a.length / (of.std * other.std);
}

/**
 * Contrast by scale: standard deviations of the differences between successive box means of radius 0, 1, 2,
 * 4, ... (a band-pass pyramid without downsampling; at borders, the mean covers the inner part of the box).
 */
export function bandContrasts(plane: Float32Array, size: number, radii: readonly number[]): number[] {
  const table = summedArea(plane, size);
  let finer: Float32Array = plane;
  return radii.map((radius) => {
    const coarser = boxMeans(table, size, radius);
    const difference = new Float32Array(plane.length);
    for (let i = 0; i < plane.length; i++) difference[i] = finer[i] - coarser[i];
    finer = coarser;
    return computeMoments(difference).std;
  });
}

/** Summed-area table of (size + 1)^2 values. */
function summedArea(plane: Float32Array, size: number): Float64Array {
  const side = size + 1;
  const table = new Float64Array(side * side);
  for (let y = 0; y < size; y++) {
    let row = 0;
    for (let x = 0; x < size; x++) {
      row += plane[y * size + x];
      table[(y + 1) * side + x + 1] = table[y * side + x + 1] + row;
    }
  }
  return table;
}

function boxMeans(table: Float64Array, size: number, radius: number): Float32Array {
  const side = size + 1;
  const means = new Float32Array(size * size);
  for (let y = 0; y < size; y++) {
    const top = Math.max(0, y - radius) * side;
    const bottom = Math.min(size, y + radius + 1) * side;
    for (let x = 0; x < size; x++) {
      const left = Math.max(0, x - radius);
      const right = Math.min(size, x + radius + 1);
      const sum = table[bottom + right] - table[bottom + left] - table[top + right] + table[top + left];
      means[y * size + x] = sum / (((bottom - top) / side) * (right - left));
    }
  }
  return means;
}

const GRAY_LEVELS = 16;

/**
 * Haralick's contrast, correlation, angular second moment and homogeneity ("Textural features for image
 * classification", IEEE SMC 1973) of the co-occurrence matrix of values in [0, 1] at `distance`, summed over
 * four directions. Contrast is divided by its maximum.
 */
export function coOccurrence(plane: Float32Array, size: number, distance: number): number[] {
  const levels = Uint8Array.from(plane, (value) =>
    Math.min(GRAY_LEVELS - 1, Math.max(0, Math.floor(value * GRAY_LEVELS))),
  );
  const counts = new Uint32Array(GRAY_LEVELS * GRAY_LEVELS);
  for (const [dx, dy] of [
    [distance, 0],
    [0, distance],
    [distance, distance],
    [-distance, distance],
  ]) {
    for (let y = 0; y + dy < size; y++) {
      for (let x = Math.max(0, -dx); x < size - Math.max(0, dx); x++) {
        const here = levels[y * size + x];
        const there = levels[(y + dy) * size + x + dx];
        counts[here * GRAY_LEVELS + there]++;
        counts[there * GRAY_LEVELS + here]++;
      }
    }
  }
  return haralick(counts);
}

function haralick(counts: Uint32Array): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  let [mean, second, energy, contrast, homogeneity, product] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < GRAY_LEVELS; i++) {
    for (let j = 0; j < GRAY_LEVELS; j++) {
      const p = counts[i * GRAY_LEVELS + j] / total;
      mean += p * i;
      second += p * i * i;
      energy += p * p;
      contrast += p * (i - j) * (i - j);
      homogeneity += p / (1 + (i - j) * (i - j));
      product += p * i * j;
    }
  }
  const variance = second - mean * mean;
  const correlation = variance < 1e-9 ? 0 : (product - mean * mean) / variance;
  return [contrast / (GRAY_LEVELS - 1) ** 2, correlation, energy, homogeneity];
}

/** Eight neighbors, clockwise from the top left. */
const RING = [
  [-1, -1],
  [0, -1],
  [1, -1],
  [1, 0],
  [1, 1],
  [0, 1],
  [-1, 1],
  [-1, 0],
] as const;

/**
 * For each 8-bit pattern, the number of set bits (0 to 8) if at most two transitions occur around the ring,
 * else 9.
 */
const UNIFORM = Uint8Array.from({ length: 256 }, (_, pattern) => {
  let changes = 0;
  let set = 0;
  for (let bit = 0; bit < 8; bit++) {
    const here = (pattern >> bit) & 1;
    set += here;
    if (here !== ((pattern >> ((bit + 1) % 8)) & 1)) changes++;
  }
  return changes <= 2 ? set : 9;
});

/**
 * Computes the shares of the ten rotation-invariant uniform local binary patterns (Ojala, Pietikäinen and
 * Mäenpää, PAMI 2002) with neighbors on a square ring at `radius`. A neighbor counts as set if it is brighter
 * by at least `margin`, so flat areas give pattern 0 instead of noise.
 */
export function localPatterns(gray: Uint8Array, size: number, radius: number, margin: number): number[] {
  const offsets = RING.map(([dx, dy]) => dy * radius * size + dx * radius);
  const counts = new Uint32Array(10);
  for (let y = radius; y < size - radius; y++) {
    for (let x = radius; x < size - radius; x++) {
      const at = y * size + x;
      const limit = gray[at] + margin;
      let pattern = 0;
      for (let bit = 0; bit < 8; bit++) if (gray[at + offsets[bit]] >= limit) pattern |= 1 << bit;
      counts[UNIFORM[pattern]]++;
    }
  }
  const total = (size - 2 * radius) ** 2;
  return Array.from(counts, (count) => count / total);
}
