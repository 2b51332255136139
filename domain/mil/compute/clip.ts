import { tf, type Scalar } from './backend.js';
import type { Weights } from './parameters.js';

/**
 * Scales some gradients by a common factor so that their joint norm is at most `most`, like PyTorch's
 * clip_grad_norm_.
 *
 * @param gradients replaced in place; gradients that are not named stay unchanged
 */
export function clipNorm(gradients: Weights, names: readonly string[], most: number): void {
  const present = names.filter((name) => gradients[name] !== undefined);
  const squares = tf.tidy(() => tf.addN(present.map((name): Scalar => tf.sum(tf.square(gradients[name])))));
  const scale = most / (Math.sqrt(squares.dataSync()[0]) + 1e-6);
  squares.dispose();
  if (scale >= 1) return;
  for (const name of present) {
    const whole = gradients[name];
    gradients[name] = tf.mul(whole, scale);
    whole.dispose();
  }
}
