import { tf, type Tensor } from './backend.js';
import { asOneOperation, shared, type Operation } from './tensorflow-internals.js';

type Save = (tensors: Tensor[]) => void;

/** The value of a function, and what its gradients are made by: one by each of its inputs, undefined for those that are absent. */
export interface Differentiable<T extends Tensor> {
  value: T;
  /** @param saved what went through `save`, in that order */
  gradient: (dy: T, saved: Tensor[]) => (Tensor | undefined)[];
}

/**
 * A function with its gradient, recorded as one operation. Tensors that the gradient needs are passed through `save` in `forward`; an absent bias is an
 * undefined input. What TensorFlow.js does in `customGrad`, without cloning what is saved through an operation of its own: of a
 * step of AB-MIL that took a millisecond, and with a thousand instances a step is short enough to feel it.
 */
export function differentiable<T extends Tensor>(
  inputs: (Tensor | undefined)[],
  forward: (save: Save) => Differentiable<T>,
): T {
  return asOneOperation(tf, (record) => {
    let saved: Tensor[] = [];
    let gradient: Differentiable<T>['gradient'] | undefined;
    try {
      const value = tf.tidy(() => {
        const made = forward((tensors) => {
          if (record !== undefined) saved = tensors.map((tensor) => shared(tf, tensor));
        });
        gradient = made.gradient;
        return made.value;
      });
      record?.(operation(inputs, value, saved, gradient as Differentiable<T>['gradient']));
      return value;
    } catch (error) {
      tf.dispose(saved);
      throw error;
    }
  });
}

function operation<T extends Tensor>(
  inputs: (Tensor | undefined)[],
  value: T,
  saved: Tensor[],
  gradient: Differentiable<T>['gradient'],
): Operation {
  const present = [...inputs.keys()].filter((i) => inputs[i] !== undefined);
  return {
    inputs: Object.fromEntries(present.map((i) => [i, inputs[i] as Tensor])),
    outputs: [value],
    saved,
    gradient([dy]) {
      const parts = tf.tidy(() => gradient(dy as T, saved) as Tensor[]);
      return Object.fromEntries(present.map((i) => [i, () => parts[i]]));
    },
  };
}
