import type { Tensor } from '@tensorflow/tfjs-core';
import type { TensorFlow } from './tensorflow-internals.js';

/** The constants of an Adam. */
export interface AdamRule {
  weightDecay: number;
  beta1: number;
  beta2: number;
  epsilon: number;
}

/** Values of a parameter and its moments to begin with; copied. */
export interface AdamStart {
  shape: number[];
  weight: Float32Array;
  first: Float32Array;
  second: Float32Array;
}

/** Makes the slots of one optimizer, which may share constants. */
export interface AdamSlots {
  make(start: AdamStart): AdamSlot;
  /** All parameters of a step have been updated. */
  endUpdate(): void;
  dispose(): void;
}

/** Where one parameter and its moments live. */
export interface AdamSlot {
  /** A separate tensor, valid until the next `apply`; the caller disposes it. */
  read(which: 'weight' | 'first' | 'second'): Tensor;
  /**
   * weight -= rate m / (sqrt(v) + epsilon), after m and v took in the gradient and the weight's decay. Bias correction is already in `rate` and
   * `epsilon`.
   * @param weight what `read` gave; disposed here
   */
  apply(weight: Tensor, gradient: Tensor, rate: number, epsilon: number): void;
  dispose(): void;
}

/** Arrays of the host, updated by one loop. */
export function hostSlots(tf: TensorFlow, rule: AdamRule): AdamSlots {
  // The constants as float32 arithmetic has them.
  const [beta1, beta2] = [Math.fround(rule.beta1), Math.fround(rule.beta2)];
  const { weightDecay } = rule;
  return {
    make(start) {
      const held = {
        weight: Float32Array.from(start.weight),
        first: Float32Array.from(start.first),
        second: Float32Array.from(start.second),
      };
      return {
        read: (which) => tf.tensor(held[which], start.shape),
        apply(weight, gradient, rate, epsilon) {
          weight.dispose();
          const { weight: w, first: m, second: v } = held;
          const slope = gradient.dataSync();
          for (let i = 0; i < w.length; i++) {
            const g = slope[i] + weightDecay * w[i];
            m[i] = beta1 * m[i] + (1 - beta1) * g;
            v[i] = beta2 * v[i] + (1 - beta2) * g * g;
            w[i] -= (rate * m[i]) / (Math.sqrt(v[i]) + epsilon);
          }
        },
        dispose: () => undefined,
      };
    },
    endUpdate: () => undefined,
    dispose: () => undefined,
  };
}
