import type { AdamRule, AdamSlot, AdamSlots } from '../compute/adam-slots.js';
import { kernels, type Tensor } from '../compute/backend.js';
import { toHost } from '../compute/device-weights.js';
import type { HostWeights, ParameterSpec, Weights } from '../compute/parameters.js';

export interface AdamSettings {
  /**
   * Added to the gradient as `weightDecay * weight` before the moments (L2, as PyTorch's Adam), unless it is
   * decoupled.
   */
  weightDecay: number;
  /**
   * Whether the weight decay acts on the weight instead (Loshchilov and Hutter 2019, as PyTorch's AdamW): w
   * -= learning rate x decay x w before the update.
   */
  decoupled?: boolean;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
}

/** Everything that another process needs to continue with identical results. */
export interface AdamState {
  weights: HostWeights;
  /** First and second moments, zero at the start. */
  first: HostWeights;
  second: HostWeights;
  /** Number of updates of each parameter. They differ if a parameter had no gradient in some steps. */
  steps: Record<string, number>;
}

/**
 * Adam (Kingma and Ba 2015) as in PyTorch: bias correction in double precision, epsilon (1e-8) added after
 * it, weight decay coupled or decoupled. A parameter without gradient is unchanged: no decay, no moments, no
 * step.
 */
export interface Adam {
  /** The weights on the device; the tensors are valid until the next `update`. */
  weights(): Weights;
  /**
   * One update. Parameters that are missing from `gradients` stay unchanged. The caller disposes the
   * gradients.
   */
  update(gradients: Weights, learningRate: number): void;
  /** Copies everything to the host. */
  state(): AdamState;
  dispose(): void;
}

export function startingState(weights: HostWeights): AdamState {
  const zeros = () =>
    Object.fromEntries(
      Object.entries(weights).map(([name, values]) => [name, new Float32Array(values.length)]),
    );
  const steps = Object.fromEntries(Object.keys(weights).map((name) => [name, 0]));
  return { weights, first: zeros(), second: zeros(), steps };
}

export function openAdam(specs: readonly ParameterSpec[], state: AdamState, settings: AdamSettings): Adam {
  const { decoupled = false, weightDecay, ...given } = settings;
  const rule = {
    ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8, ...given },
    weightDecay: decoupled ? 0 : weightDecay,
  };
  const slots = kernels.adamSlots(rule);
  const decay = decoupled ? weightDecay : 0;
  const parameters = specs.map((spec) => new Parameter(spec, state, slots, rule, decay));
  let current: Weights | undefined;
  const forget = () => {
    Object.values(current ?? {}).forEach((tensor) => tensor.dispose());
    current = undefined;
  };
  const gather = (pick: (parameter: Parameter) => Float32Array): HostWeights =>
    Object.fromEntries(parameters.map((parameter) => [parameter.spec.name, pick(parameter)]));
  return {
    weights() {
      current ??= Object.fromEntries(parameters.map(({ spec, slot }) => [spec.name, slot.read('weight')]));
      return current;
    },
    update(gradients, learningRate) {
      const weights = this.weights();
      for (const parameter of parameters) {
        const { name } = parameter.spec;
        if (gradients[name] !== undefined) parameter.update(weights[name], gradients[name], learningRate);
      }
      slots.endUpdate();
      forget();
    },
    state() {
      return {
        weights: gather(({ slot }) => hostCopy(slot.read('weight'))),
        first: gather(({ slot }) => hostCopy(slot.read('first'))),
        second: gather(({ slot }) => hostCopy(slot.read('second'))),
        steps: Object.fromEntries(parameters.map(({ spec, steps }) => [spec.name, steps])),
      };
    },
    dispose() {
      forget();
      parameters.forEach(({ slot }) => slot.dispose());
      slots.dispose();
    },
  };
}

function hostCopy(tensor: Tensor): Float32Array {
  const values = toHost(tensor);
  tensor.dispose();
  return values;
}

class Parameter {
  readonly spec: ParameterSpec;
  readonly slot: AdamSlot;
  steps: number;
  private readonly rule: AdamRule;
  private readonly decoupledDecay: number;

  constructor(
    spec: ParameterSpec,
    state: AdamState,
    slots: AdamSlots,
    rule: AdamRule,
    decoupledDecay: number,
  ) {
    this.spec = spec;
    this.rule = rule;
    this.decoupledDecay = decoupledDecay;
    this.steps = state.steps[spec.name];
    this.slot = slots.make({
      shape: spec.shape,
      weight: state.weights[spec.name],
      first: state.first[spec.name],
      second: state.second[spec.name],
    });
  }

  /**
   * PyTorch divides sqrt(v) by sqrt(1 - beta2^t) before adding epsilon. Multiplying both by this root gives
   * the form that the slots apply.
   */
  update(weight: Tensor, gradient: Tensor, learningRate: number): void {
    const { beta1, beta2, epsilon } = this.rule;
    this.steps++;
    // The betas as float32 arithmetic rounds them, so that the correction of the first steps is exact.
    const first = 1 - Math.fround(beta1) ** this.steps;
    const second = Math.sqrt(1 - Math.fround(beta2) ** this.steps);
    this.slot.apply(weight, gradient, {
      rate: (learningRate * second) / first,
      epsilon: epsilon * second,
      shrink: 1 - learningRate * this.decoupledDecay,
    });
  }
}
