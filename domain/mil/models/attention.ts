import { kernels, tf, type Tensor1D, type Tensor2D } from '../compute/backend.js';
import { differentiable } from '../compute/differentiable.js';
import {
  activate,
  activationGrad,
  dense,
  elementwiseProduct,
  rows,
  type Activation,
} from '../compute/layers.js';
import type { Weights } from '../compute/parameters.js';
import type { Endpoint } from '../targets/target.js';

/**
 * Attention scores of AB-MIL (Ilse, Tomczak, Welling 2018): s = w φ(V h + c) + d, for each of K heads.
 *
 * @param h embedded bag [n, embed]
 * @param weights `att.V.w` [attention, embed], `att.w.w` [K, attention]; optional biases `att.V.b`, `att.w.b`
 * @returns [K, n], before the softmax over n
 */
export function attentionScores(
  h: Tensor2D,
  weights: Weights,
  activation: Activation,
  name = 'att',
): Tensor2D {
  const hidden = dense(h, matrix(weights, `${name}.V.w`), vector(weights, `${name}.V.b`), activation);
  return rowScores(hidden, weights, name);
}

/**
 * Gated attention scores: s = w (φ(V h + c) * sigmoid(U h + e)) + d. Additional weights: `att.U.w`,
 * `att.U.b`.
 */
export function gatedScores(h: Tensor2D, weights: Weights, activation: Activation, name = 'att'): Tensor2D {
  const hidden = dense(h, matrix(weights, `${name}.V.w`), vector(weights, `${name}.V.b`), activation);
  const gate = dense(h, matrix(weights, `${name}.U.w`), vector(weights, `${name}.U.b`), 'sigmoid');
  return rowScores(elementwiseProduct(hidden, gate), weights, name);
}

/** w u + d as rows: u [n, attention] -> [K, n]. The softmax over n is then a softmax over the last axis. */
export function rowScores(u: Tensor2D, weights: Weights, name: string): Tensor2D {
  return rows(u, matrix(weights, `${name}.w.w`), vector(weights, `${name}.w.b`));
}

/**
 * The scores of {@link attentionScores} twice, [2, n]. Both rows are equal, but the second passes no gradient
 * to `h`, only to the attention's weights. A single pass computes both.
 */
export function scoresAndDetached(
  h: Tensor2D,
  weights: Weights,
  activation: Activation,
  name = 'att',
): Tensor2D {
  const inputs = [h, weights[`${name}.V.w`], weights[`${name}.w.w`]] as Tensor2D[];
  const biases = [weights[`${name}.V.b`], weights[`${name}.w.b`]].filter((bias) => bias !== undefined);
  if (biases.length > 0) throw new Error('scoresAndDetached does not support attention with biases');
  const [v, w] = inputs.slice(1);
  return differentiable(inputs, (save) => {
    const u = activate(kernels.matMul(h, v, false, true), activation); // [n, attention]
    save([h, v, w, u]);
    const scores = kernels.matMul(w, u, false, true); // [1, n]
    return {
      value: tf.concat([scores, scores], 0),
      gradient: (dy, saved) => scoresGradient(dy, saved as Tensor2D[], activation),
    };
  });
}

function scoresGradient(dy: Tensor2D, [h, v, w, u]: Tensor2D[], activation: Activation): Tensor2D[] {
  const attached = tf.slice(dy, [0, 0], [1, -1]);
  const both = tf.sum<Tensor2D>(dy, 0, true);
  // [n, attention]
  const towards = (ds: Tensor2D) => activationGrad(kernels.matMul(ds, w, true), u, activation);
  return [
    kernels.matMul(towards(attached), v),
    kernels.matMul(towards(both), h, true),
    kernels.matMul(both, u),
  ];
}

export function matrix(weights: Weights, name: string): Tensor2D {
  const weight = weights[name];
  if (weight === undefined) throw new Error(`no weight "${name}"`);
  return weight as Tensor2D;
}

export function vector(weights: Weights, name: string): Tensor1D | undefined {
  return weights[name] as Tensor1D | undefined;
}

/**
 * The one attention row [n] that represents several [r, n], one per output: that of the last class, which is
 * the positive one of two. Time bins have none that stands out, so their mean.
 */
export function shownAttention(rows: Tensor2D, endpoint: Endpoint): Tensor1D {
  const [count, n] = rows.shape;
  const shown = endpoint === 'classification' ? tf.slice(rows, [count - 1, 0], [1, -1]) : tf.mean(rows, 0);
  return tf.reshape(shown, [n]);
}
