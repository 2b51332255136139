import { tf, type Scalar } from './backend.js';
import type { Weights } from './parameters.js';

/**
 * Scales some gradients together so that their joint norm is at most `most`, as PyTorch's clip_grad_norm_ does.
 * @param gradients replaced in place; those not named stay as they are
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
