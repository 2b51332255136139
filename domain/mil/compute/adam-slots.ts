import type { Tensor } from '@tensorflow/tfjs-core';
import type { TensorFlow } from './tensorflow-internals.js';

/** The constants of an Adam optimizer. `weightDecay` is coupled: part of the gradient. */
export interface AdamRule {
  weightDecay: number;
  beta1: number;
  beta2: number;
  epsilon: number;
}

/** Initial values of a parameter and its moments, which are copied. */
export interface AdamStart {
  shape: number[];
  weight: Float32Array;
  first: Float32Array;
  second: Float32Array;
}

/** The numbers of one update of a parameter. */
export interface AdamUpdate {
  rate: number;
  epsilon: number;
  /** 1 - learning rate x decoupled weight decay; 1 without it. */
  shrink: number;
}

/** Creates the slots of one optimizer, which may share constants. */
export interface AdamSlots {
  make(start: AdamStart): AdamSlot;
  /** Called when all parameters of a step have been updated. */
  endUpdate(): void;
  dispose(): void;
}

/** The storage of one parameter and its moments. */
export interface AdamSlot {
  /** Returns a separate tensor, valid until the next `apply`. The caller disposes it. */
  read(which: 'weight' | 'first' | 'second'): Tensor;
  /**
   * weight = shrink weight - rate m / (sqrt(v) + epsilon), after m and v are updated with the gradient and
   * the weight decay. Bias correction is already part of `rate` and `epsilon`.
   *
   * @param weight the result of `read`, which is disposed here
   */
  apply(weight: Tensor, gradient: Tensor, update: AdamUpdate): void;
  dispose(): void;
}

/** Slots in host arrays, updated by one loop. */
export function hostSlots(tf: TensorFlow, rule: AdamRule): AdamSlots {
  // The constants as float32 arithmetic rounds them.
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
        apply(weight, gradient, { rate, epsilon, shrink }) {
          weight.dispose();
          const { weight: w, first: m, second: v } = held;
          const slope = gradient.dataSync();
          for (let i = 0; i < w.length; i++) {
            const g = slope[i] + weightDecay * w[i];
            m[i] = beta1 * m[i] + (1 - beta1) * g;
            v[i] = beta2 * v[i] + (1 - beta2) * g * g;
            w[i] = shrink * w[i] - (rate * m[i]) / (Math.sqrt(v[i]) + epsilon);
          }
        },
        dispose: () => undefined,
      };
    },
    endUpdate: () => undefined,
    dispose: () => undefined,
  };
}
