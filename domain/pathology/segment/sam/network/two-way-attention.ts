import type { SamLayers } from './sam-layers.js';

/** Sizes of the attentions in the mask decoder. */
export interface TwoWaySizes {
  width: number;
  heads: number;
  /** Tokens per prompt. */
  tokens: number;
  area: number;
}

/**
 * Returns the inner width of an attention, with `inner / heads` channels per head.
 * @throws SamMilError UnsupportedFormat if it is not divisible by the heads
 */
function innerWidth(layers: SamLayers, name: string, { width, heads }: TwoWaySizes): number {
  const [inner] = layers.checkpoint.shape(`${name}.q_proj.weight`, [undefined, width]);
  if (inner % heads !== 0) {
    throw layers.checkpoint.misfit(
      `${name}.q_proj.weight`,
      `a multiple of ${heads} heads as rows`,
      `${inner}`,
    );
  }
  return inner;
}

/** Projects rows of tokens: [n * tokens, width] to [n, heads, tokens, channels]. */
function project(layers: SamLayers, x: string, name: string, sizes: TwoWaySizes, inner: number): string {
  const { width, heads, tokens } = sizes;
  const rows = layers.linear(x, name, width, inner);
  return layers.transpose(layers.reshape(rows, [-1, tokens, heads, inner / heads]), [0, 2, 1, 3]);
}

/** Applies the output projection: [n, heads, tokens, channels] to [n * tokens, width]. */
function recombine(
  layers: SamLayers,
  x: string,
  name: string,
  { width }: TwoWaySizes,
  inner: number,
): string {
  const rows = layers.reshape(layers.transpose(x, [0, 2, 1, 3]), [-1, inner]);
  return layers.linear(rows, `${name}.out_proj`, inner, width);
}

/** Weight of a projection by head: [heads, channels, width]. */
function byHead(layers: SamLayers, name: string, { width, heads }: TwoWaySizes, inner: number): string {
  return layers.reshape(layers.weight(`${name}.weight`, [inner, width]), [heads, inner / heads, width]);
}

/**
 * Self-attention of the tokens of a prompt.
 * @param x queries and keys, [n * tokens, width], like value and result
 */
export function selfAttention(
  layers: SamLayers,
  x: string,
  value: string,
  name: string,
  sizes: TwoWaySizes,
): string {
  const inner = innerWidth(layers, name, sizes);
  const query = project(layers, x, `${name}.q_proj`, sizes, inner);
  const key = layers.transpose(project(layers, x, `${name}.k_proj`, sizes, inner), [0, 1, 3, 2]);
  const scale = (inner / sizes.heads) ** -0.5;
  const weights = layers.softmax(layers.scale(layers.matmul(query, key), scale));
  return recombine(
    layers,
    layers.matmul(weights, project(layers, value, `${name}.v_proj`, sizes, inner)),
    name,
    sizes,
    inner,
  );
}

/**
 * Attention from the tokens of a prompt to the image.
 *
 * The image has thousands of tokens and the prompt seven, so the prompt is mapped through the projections of
 * the image instead of the reverse. No projected copy of the image is needed: in q.(K x + b) = (K'q).x + q.b,
 * the last term is the same for all x and cancels in the softmax, and the mean of V x + c is V (mean of x) +
 * c.
 *
 * @param x [n * tokens, width], like the result
 * @param placed image tokens with positions, [n, area, width]; n is 1 while all prompts share the image
 * @param image image tokens without positions
 */
export function tokensToImage(
  layers: SamLayers,
  x: string,
  { placed, image, shared }: { placed: string; image: string; shared: boolean },
  name: string,
  sizes: TwoWaySizes,
): string {
  const { width, heads, tokens } = sizes;
  const inner = innerWidth(layers, name, sizes);
  const channels = inner / heads;
  layers.checkpoint.shape(`${name}.k_proj.bias`, [inner]);
  const query = layers.scale(project(layers, x, `${name}.q_proj`, sizes, inner), channels ** -0.5);
  const widened = layers.matmul(query, byHead(layers, `${name}.k_proj`, sizes, inner));
  // With a shared image, the queries of all prompts are stacked for a single product.
  const queries = layers.reshape(widened, shared ? [1, -1, width] : [-1, heads * tokens, width]);
  const weights = layers.softmax(layers.matmul(queries, layers.transpose(placed, [0, 2, 1])));
  const mean = layers.reshape(layers.matmul(weights, image), [-1, heads, tokens, width]);
  const values = layers.transpose(byHead(layers, `${name}.v_proj`, sizes, inner), [0, 2, 1]);
  const bias = layers.reshape(layers.weight(`${name}.v_proj.bias`, [inner]), [heads, 1, channels]);
  return recombine(layers, layers.add(layers.matmul(mean, values), bias), name, sizes, inner);
}

/**
 * Attention from the image to the tokens of a prompt, with the same saving as {@link tokensToImage}: keys are
 * mapped through the query projection and values through the output projection, whose bias is divided equally
 * among the heads (the weights of each head sum to one).
 *
 * @param x source of the keys, [n * tokens, width], like value
 * @param placed image tokens with positions, [n or 1, area, width]
 * @returns [n, area, width]
 */
export function imageToTokens(
  layers: SamLayers,
  placed: string,
  { x, value }: { x: string; value: string },
  name: string,
  sizes: TwoWaySizes,
): string {
  const { width, heads, tokens, area } = sizes;
  const inner = innerWidth(layers, name, sizes);
  const channels = inner / heads;
  const key = layers.scale(project(layers, x, `${name}.k_proj`, sizes, inner), channels ** -0.5);
  const widened = layers.matmul(key, byHead(layers, `${name}.q_proj`, sizes, inner));
  const keys = layers.transpose(layers.reshape(widened, [-1, heads * tokens, width]), [0, 2, 1]);
  const queryBias = layers.reshape(layers.weight(`${name}.q_proj.bias`, [inner]), [heads, channels, 1]);
  const bias = layers.reshape(layers.matmul(key, queryBias), [-1, 1, heads * tokens]);
  const logits = layers.reshape(layers.add(layers.matmul(placed, keys), bias), [-1, area, heads, tokens]);
  const weights = layers.reshape(layers.softmax(logits), [-1, area, heads * tokens]);
  const out = layers.transpose(layers.weight(`${name}.out_proj.weight`, [width, inner]), [1, 0]);
  const values = layers.matmul(
    project(layers, value, `${name}.v_proj`, sizes, inner),
    layers.reshape(out, [heads, channels, width]),
  );
  const share = layers.scale(layers.weight(`${name}.out_proj.bias`, [width]), 1 / heads);
  return layers.matmul(weights, layers.reshape(layers.add(values, share), [-1, heads * tokens, width]));
}
