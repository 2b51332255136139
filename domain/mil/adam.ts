import { native, tf, type Scalar, type Tensor } from './backend.js';
import type { Attributes, NativeOps } from './native-ops.js';
import type { HostWeights, ParameterSpec, Weights } from './parameters.js';

export interface AdamSettings {
  /** Added to the gradient as `weightDecay * weight` before the moments (L2, as PyTorch's Adam; not AdamW). */
  weightDecay: number;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
}

/** All that another process needs to go on with the same bits. */
export interface AdamState {
  weights: HostWeights;
  /** First and second moments, zero at the start. */
  first: HostWeights;
  second: HostWeights;
  /** Updates each parameter has had: they differ where a parameter got no gradient in some step. */
  steps: Record<string, number>;
}

/**
 * Adam (Kingma and Ba 2015) as PyTorch computes it: bias correction in double precision, epsilon (1e-8) added after it, coupled weight decay,
 * and a parameter without gradient is left alone: no decay, no moments, no step.
 */
export interface Adam {
  /** The weights on the device; the tensors are valid until the next `update`. */
  weights(): Weights;
  /** One update. Parameters that are missing from `gradients` stay as they are. The gradients remain the caller's. */
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
  const rule = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, ...settings };
  const slots = native === undefined ? portableSlots() : nativeSlots(native, rule);
  const parameters = specs.map((spec) => new Parameter(spec, state, slots, rule));
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
  const values = Float32Array.from(tensor.dataSync());
  tensor.dispose();
  return values;
}

interface Rule {
  weightDecay: number;
  beta1: number;
  beta2: number;
  epsilon: number;
}

interface Start {
  shape: number[];
  weight: Float32Array;
  first: Float32Array;
  second: Float32Array;
}

/** Makes the slots of one optimiser, and holds what they share. */
interface Slots {
  make(start: Start): Slot;
  /** All parameters of a step have been updated. */
  endUpdate(): void;
  dispose(): void;
}

/** Where one parameter and its moments live. */
interface Slot {
  /** A tensor of its own; the caller disposes it. */
  read(which: 'weight' | 'first' | 'second'): Tensor;
  /** weight -= rate m / (sqrt(v) + epsilon), after m and v took in the gradient. Bias correction is already in `rate` and `epsilon`. */
  apply(gradient: Tensor, rate: number, epsilon: number, rule: Rule): void;
  dispose(): void;
}

class Parameter {
  readonly spec: ParameterSpec;
  readonly slot: Slot;
  steps: number;
  private readonly rule: Rule;

  constructor(spec: ParameterSpec, state: AdamState, slots: Slots, rule: Rule) {
    this.spec = spec;
    this.rule = rule;
    this.steps = state.steps[spec.name];
    this.slot = slots.make({
      shape: spec.shape,
      weight: state.weights[spec.name],
      first: state.first[spec.name],
      second: state.second[spec.name],
    });
  }

  /** PyTorch divides sqrt(v) by sqrt(1 - beta2^t) before adding epsilon; multiplying both by it gives the form that the slots apply. */
  update(weight: Tensor, gradient: Tensor, learningRate: number): void {
    const { beta1, beta2, epsilon, weightDecay } = this.rule;
    this.steps++;
    // The betas as the float32 arithmetic below has them, so that the first steps are corrected by exactly what was applied.
    const first = 1 - Math.fround(beta1) ** this.steps;
    const second = Math.sqrt(1 - Math.fround(beta2) ** this.steps);
    const decayed =
      weightDecay === 0 ? gradient : tf.tidy(() => tf.add(gradient, tf.mul(weight, weightDecay)));
    // The slot updates in place only while nobody else holds the array.
    weight.dispose();
    this.slot.apply(decayed, (learningRate * second) / first, epsilon * second, this.rule);
    if (decayed !== gradient) decayed.dispose();
  }
}

/** Moments and weight as ordinary tensors, for backends without TensorFlow's variables. */
function portableSlots(): Slots {
  return { make: portableSlot, endUpdate: () => undefined, dispose: () => undefined };
}

function portableSlot(start: Start): Slot {
  const held = {
    weight: tf.tensor(start.weight, start.shape),
    first: tf.tensor(start.first, start.shape),
    second: tf.tensor(start.second, start.shape),
  };
  return {
    read: (which) => tf.clone(held[which]),
    apply(gradient, rate, epsilon, { beta1, beta2 }) {
      const old = { ...held };
      const [weight, first, second] = tf.tidy((): Tensor[] => {
        const first: Tensor = tf.add(tf.mul(old.first, beta1), tf.mul(gradient, 1 - Math.fround(beta1)));
        const second: Tensor = tf.add(
          tf.mul(old.second, beta2),
          tf.mul(tf.square(gradient), 1 - Math.fround(beta2)),
        );
        const step: Tensor = tf.div(tf.mul(first, rate), tf.add(tf.sqrt(second), epsilon));
        return [tf.sub(old.weight, step), first, second];
      });
      Object.assign(held, { weight, first, second });
      Object.values(old).forEach((tensor) => tensor.dispose());
    },
    dispose: () => Object.values(held).forEach((tensor) => tensor.dispose()),
  };
}

/** TensorFlow's resource variables and its one-call update: three passes over memory less than the portable way. */
function nativeSlots(ops: NativeOps, rule: Rule): Slots {
  const update: Attributes = [
    ops.type('T', ops.types.float32),
    ops.bool('use_locking', false),
    ops.bool('use_nesterov', false),
  ];
  const fixed = [0, rule.beta1, rule.beta2].map((value): Scalar => tf.keep(tf.scalar(value)));
  const [zero, beta1, beta2] = fixed;
  // Most parameters of a step share rate and epsilon: each value is sent over once.
  const ofStep = new Map<number, Scalar>();
  const scalar = (value: number): Scalar => {
    const held = ofStep.get(value) ?? tf.keep(tf.scalar(value));
    ofStep.set(value, held);
    return held;
  };
  return {
    make(start) {
      const variables = {
        weight: new Variable(ops, start.weight, start.shape),
        first: new Variable(ops, start.first, start.shape),
        second: new Variable(ops, start.second, start.shape),
      };
      const handles = [variables.weight.handle, variables.first.handle, variables.second.handle];
      return {
        read: (which) => variables[which].read(),
        apply(gradient, rate, epsilon) {
          // The powers of the betas are 0 here: the correction is in `rate`.
          const scalars = [zero, zero, scalar(rate), beta1, beta2, scalar(epsilon)];
          ops.perform('ResourceApplyAdam', update, [...handles, ...scalars, gradient]);
        },
        dispose: () => Object.values(variables).forEach((variable) => variable.dispose()),
      };
    },
    endUpdate() {
      ofStep.forEach((value) => value.dispose());
      ofStep.clear();
    },
    dispose: () => fixed.forEach((value) => value.dispose()),
  };
}

let variableCount = 0;

/** A variable of TensorFlow's own, which its operations change in place. */
class Variable {
  readonly handle: Tensor;
  private readonly ops: NativeOps;
  private readonly float: Attributes;

  constructor(ops: NativeOps, values: Float32Array, shape: number[]) {
    this.ops = ops;
    this.float = [ops.type('dtype', ops.types.float32)];
    const name = ops.string('shared_name', `sam-mil-${variableCount++}`);
    const attributes = [...this.float, ops.shape('shape', shape), ops.string('container', ''), name];
    this.handle = tf.keep(ops.run('VarHandleOp', attributes, []));
    const start = tf.tensor(values, shape);
    ops.perform('AssignVariableOp', this.float, [this.handle, start]);
    start.dispose();
  }

  /** Its value now; shares memory until the next update. */
  read(): Tensor {
    return this.ops.run('ReadVariableOp', this.float, [this.handle]);
  }

  dispose(): void {
    this.ops.perform('DestroyResourceOp', [this.ops.bool('ignore_lookup_error', true)], [this.handle]);
    this.handle.dispose();
  }
}
