import type { SamLayers } from './sam-layers.js';

/** Maximum elements of the query-key matrix in memory, over all heads and windows: 2^23 floats are 32 MB. */
const LOGITS_AT_A_TIME = 2 ** 23;

export interface AttentionSizes {
  width: number;
  heads: number;
  /** Number of squares. */
  windows: number;
  window: number;
}

/**
 * Multi-head attention within squares of tokens with decomposed relative positions, without the output
 * projection.
 *
 * The logit of query q at (y, x) and key k at (y', x') is s q.k + q.H[y - y'] + q.W[x - x']. Instead of
 * adding two terms to a tokens x tokens matrix (800 MB for the global blocks of vit_b), the product includes
 * them: the query has q.H[y - *] and q.W[x - *] as 2 * window extra channels, the key one-hot vectors of its
 * row and column.
 *
 * @param x [windows * window * window, width], like the result
 */
export function relativeAttention(layers: SamLayers, x: string, name: string, sizes: AttentionSizes): string {
  const { width, heads, windows, window } = sizes;
  const area = window * window;
  const channels = width / heads;
  const rows = layers.linear(x, `${name}.qkv`, width, 3 * width);
  const qkv = layers.reshape(rows, [windows, area, 3, heads, channels]);
  const query = layers.transpose(layers.pick(qkv, 2, 0), [0, 2, 1, 3]);
  const key = layers.transpose(layers.pick(qkv, 2, 1), [0, 2, 3, 1]);
  const value = layers.transpose(layers.pick(qkv, 2, 2), [0, 2, 1, 3]);
  const scaled = layers.scale(query, channels ** -0.5);
  const queries = layers.concat([scaled, ...relativeTerms(layers, query, name, sizes)], 3);
  const keys = layers.concat([key, keyPlaces(layers, sizes)], 2);
  const attended = attendInChunks(layers, queries, keys, value, sizes);
  return layers.reshape(layers.transpose(attended, [0, 2, 1, 3]), [windows * area, width]);
}

/** q.H[y - *] and q.W[x - *], each [windows, heads, window * window, window]. */
function relativeTerms(layers: SamLayers, query: string, name: string, sizes: AttentionSizes): string[] {
  const { width, heads, windows, window } = sizes;
  const channels = width / heads;
  const square = layers.reshape(query, [windows * heads, window, window, channels]);
  const shape = [windows, heads, window * window, window];
  const table = (axis: string): string => {
    const weight = layers.weight(`${name}.rel_pos_${axis}`, [2 * window - 1, channels]);
    const rows = layers.op('Gather', [weight, distances(layers, window)], { axis: 0 });
    return layers.transpose(rows, [0, 2, 1]);
  };
  const down = layers.matmul(square, table('h'));
  const across = layers.matmul(layers.transpose(square, [0, 2, 1, 3]), table('w'));
  return [layers.reshape(down, shape), layers.reshape(layers.transpose(across, [0, 2, 1, 3]), shape)];
}

/** Row of the position table for a query at i and a key at j: i - j + window - 1. */
function distances(layers: SamLayers, window: number): string {
  const all = Array.from({ length: window * window }, (_, at) => {
    return Math.floor(at / window) - (at % window) + window - 1;
  });
  return layers.integers(all, [window, window]);
}

/**
 * One-hot vectors of the row and then the column of each key: [windows, heads, 2 * window, window * window].
 */
function keyPlaces(layers: SamLayers, { windows, heads, window }: AttentionSizes): string {
  const area = window * window;
  return layers.once(`places of ${window}`, () => {
    const unit = Array.from({ length: area }, (_, at) => (Math.floor(at / window) === at % window ? 1 : 0));
    const spread = (shape: number[]): string => {
      const full = layers.op('Expand', [
        layers.numbers(unit, shape),
        layers.integers([window, window, window]),
      ]);
      return layers.reshape(full, [1, 1, window, area]);
    };
    const one = layers.concat([spread([window, window, 1]), spread([window, 1, window])], 2);
    return layers.op('Expand', [one, layers.integers([windows, heads, 2 * window, area])]);
  });
}

/**
 * Computes softmax(queries x keys) x value for some queries at a time, which keeps the matrix between the
 * products small.
 * @param queries [windows, heads, tokens, channels]; keys [windows, heads, channels, tokens]; value as
 * queries
 */
function attendInChunks(
  layers: SamLayers,
  queries: string,
  keys: string,
  value: string,
  { windows, heads, window }: AttentionSizes,
): string {
  const tokens = window * window;
  const step = Math.max(1, Math.floor(LOGITS_AT_A_TIME / (windows * heads * tokens)));
  if (step >= tokens) return layers.matmul(layers.softmax(layers.matmul(queries, keys)), value);
  const parts: string[] = [];
  for (let from = 0; from < tokens; from += step) {
    const part = layers.slice(queries, 2, from, Math.min(from + step, tokens));
    parts.push(layers.matmul(layers.softmax(layers.matmul(part, keys)), value));
  }
  return layers.concat(parts, 2);
}
