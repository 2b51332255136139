import { tf, type Scalar, type Tensor } from '../compute/backend.js';
import type { Attributes, NativeOps } from '../compute/native-ops.js';
import { plus, timesConstant } from '../compute/primitives.js';

/** The constants of an Adam. */
export interface Rule {
  weightDecay: number;
  beta1: number;
  beta2: number;
  epsilon: number;
}

/** Values of a parameter and its moments to begin with; copied. */
export interface Start {
  shape: number[];
  weight: Float32Array;
  first: Float32Array;
  second: Float32Array;
}

/** Makes the slots of one optimiser. */
export interface Slots {
  make(start: Start): Slot;
}

/** Those of a device share constants. */
export interface NativeSlots extends Slots {
  /** All parameters of a step have been updated. */
  endUpdate(): void;
  dispose(): void;
}

/** Where one parameter and its moments live. */
export interface Slot {
  /** A tensor of its own, valid until the next `apply`; the caller disposes it. */
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
export function hostSlots(rule: Rule): Slots {
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
  };
}

/** TensorFlow's resource variables and its one-call update: three passes over memory less than the portable way. */
export function nativeSlots(ops: NativeOps, rule: Rule): NativeSlots {
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
        apply(weight, gradient, rate, epsilon) {
          const { weightDecay } = rule;
          const decayed =
            weightDecay === 0 ? gradient : tf.tidy(() => plus(gradient, timesConstant(weight, weightDecay)));
          // It is updated in place only while nobody else holds the array.
          weight.dispose();
          // The powers of the betas are 0 here: the correction is in `rate`.
          const scalars = [zero, zero, scalar(rate), beta1, beta2, scalar(epsilon)];
          ops.perform('ResourceApplyAdam', update, [...handles, ...scalars, decayed]);
          if (decayed !== gradient) decayed.dispose();
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
