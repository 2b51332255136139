import { existsSync, readFileSync } from 'node:fs';

export interface Agreement {
  max_abs: number;
  /** Lowest cosine of a row with the row it should equal. */
  cosine_min: number;
  /** Standard deviation of the reference, to judge `max_abs` by. */
  reference_std: number;
}

/** Compares two files of float32 rows. Undefined if one is missing. */
export function agreement(path: string, reference: string, rows: number): Agreement | undefined {
  if (!existsSync(path) || !existsSync(reference)) return undefined;
  const [a, b] = [path, reference].map((file) => new Float32Array(new Uint8Array(readFileSync(file)).buffer));
  if (a.length !== b.length) throw new Error(`${path} has ${a.length} numbers, ${reference} has ${b.length}`);
  const width = a.length / rows;
  let [largest, cosine] = [0, 1];
  for (let row = 0; row < rows; row++) {
    const [x, y] = [a, b].map((all) => all.subarray(row * width, (row + 1) * width));
    for (let i = 0; i < width; i++) largest = Math.max(largest, Math.abs(x[i] - y[i]));
    cosine = Math.min(cosine, dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y)));
  }
  const mean = b.reduce((sum, value) => sum + value, 0) / b.length;
  const variance = b.reduce((sum, value) => sum + (value - mean) ** 2, 0) / b.length;
  return { max_abs: largest, cosine_min: cosine, reference_std: Math.sqrt(variance) };
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}
