import { tf } from '../compute/backend.js';
import { toDevice, toHost } from '../compute/device-weights.js';
import type { HostWeights, ParameterSpec, Weights } from '../compute/parameters.js';

/**
 * A copy of the weights that slowly follows the student: teacher = m teacher + (1 - m) student after each
 * step.
 */
export class Teacher {
  weights: Weights;

  constructor(specs: readonly ParameterSpec[], start: HostWeights) {
    this.weights = toDevice(specs, start);
  }

  /** @param momentum m; 1 leaves the teacher unchanged */
  follow(student: Weights, momentum: number): void {
    if (momentum === 1) return;
    const old = this.weights;
    this.weights = tf.tidy(() =>
      Object.fromEntries(
        Object.entries(old).map(([name, weight]) => [
          name,
          tf.add(tf.mul(weight, momentum), tf.mul(student[name], 1 - momentum)),
        ]),
      ),
    );
    tf.dispose(old);
  }

  state(): HostWeights {
    return Object.fromEntries(Object.entries(this.weights).map(([name, weight]) => [name, toHost(weight)]));
  }

  dispose(): void {
    tf.dispose(this.weights);
  }
}
