import { tf, type Tensor } from './backend.js';
import type { HostWeights, ParameterSpec, Weights } from './parameters.js';

/** Copies weights to tensors, which the caller disposes. */
export function toDevice(specs: readonly ParameterSpec[], weights: HostWeights): Weights {
  return Object.fromEntries(specs.map(({ name, shape }) => [name, tf.tensor(weights[name], shape)]));
}

/** Copies the values of a float tensor. */
export function toHost(tensor: Tensor): Float32Array {
  return Float32Array.from(tensor.dataSync());
}
