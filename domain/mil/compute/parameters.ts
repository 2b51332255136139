import { RandomStream } from '../../random.js';
import type { Tensor } from './backend.js';

/** A trained array: its name (as in checkpoints), shape and initialization. */
export interface ParameterSpec {
  name: string;
  shape: number[];
  init: Init;
}

/**
 * `xavier`: normal with variance 2 / (inputs + outputs) (Glorot and Bengio 2010), as `xavier_normal_` of
 * PyTorch; `normal` states the deviation, `uniform` the largest magnitude.
 */
export type Init = 'xavier' | 'zeros' | 'ones' | { normal: number } | { uniform: number };

/** The arrays of a model on the device, by name. Parts that a model does not have are missing. */
export type Weights = Record<string, Tensor>;

/** The arrays of a model on the host, by name. */
export type HostWeights = Record<string, Float32Array>;

/**
 * A linear layer's parameters: `<name>.w` [outputs, inputs] and, unless `bias` is false, `<name>.b`
 * [outputs].
 */
export function linearSpec(name: string, inputs: number, outputs: number, bias = true): ParameterSpec[] {
  const weight: ParameterSpec = { name: `${name}.w`, shape: [outputs, inputs], init: 'xavier' };
  return bias ? [weight, { name: `${name}.b`, shape: [outputs], init: 'zeros' }] : [weight];
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function parameterCount(specs: readonly ParameterSpec[]): number {
  return specs.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

/**
 * Initial values of all parameters. Each array has a separate random stream, so adding a layer does not
 * change the others.
 */
export function initialWeights(
  specs: readonly ParameterSpec[],
  ...names: readonly (string | number)[]
): HostWeights {
  return Object.fromEntries(
    specs.map((spec) => [spec.name, initialValues(spec, new RandomStream(...names, 'init', spec.name))]),
  );
}

function initialValues({ shape, init }: ParameterSpec, stream: RandomStream): Float32Array {
  const values = new Float32Array(elementCount(shape));
  if (init === 'zeros') return values;
  if (init === 'ones') return values.fill(1);
  if (typeof init === 'object' && 'uniform' in init) {
    return values.map(() => init.uniform * (2 * stream.uniform() - 1));
  }
  const std = init === 'xavier' ? xavierDeviation(shape) : init.normal;
  for (let i = 0; i < values.length; i++) values[i] = stream.normal() * std;
  return values;
}

/** Fan-in and fan-out as in PyTorch: the first two dimensions times the size of the rest. */
function xavierDeviation([outputs, inputs, ...rest]: readonly number[]): number {
  return Math.sqrt(2 / ((inputs + outputs) * elementCount(rest)));
}
