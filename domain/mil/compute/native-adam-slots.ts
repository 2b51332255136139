import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { hostSlots, type AdamRule, type AdamSlot, type AdamSlots, type AdamStart } from './adam-slots.js';
import type { Kernels } from './kernels.js';
import type { Attributes, NativeOps, TensorFlow } from './tensorflow-internals.js';

/**
 * Parameters with at most this many elements are updated by a loop on the host, which is faster than
 * TensorFlow's four calls. The loop computes in double precision and rounds its results; TensorFlow rounds
 * intermediate values. Both match PyTorch up to the last bits.
 */
const HOST_ELEMENTS = 16_384;

/**
 * Slots in TensorFlow's resource variables, updated by one call, with three fewer passes over memory than the
 * portable way. On a CPU, small parameters stay on the host.
 */
export function nativeSlots(
  tf: TensorFlow,
  ops: NativeOps,
  kernels: Pick<Kernels, 'plus' | 'timesConstant'>,
  rule: AdamRule,
): AdamSlots {
  const onHost = hostSlots(tf, rule);
  const update: Attributes = [
    ops.type('T', ops.types.float32),
    ops.bool('use_locking', false),
    ops.bool('use_nesterov', false),
  ];
  const fixed = [0, rule.beta1, rule.beta2].map((value): Scalar => tf.keep(tf.scalar(value)));
  const [zero, beta1, beta2] = fixed;
  // Most parameters of a step share rate and epsilon, so each value is transferred once.
  const stepScalars = new Map<number, Scalar>();
  const scalar = (value: number): Scalar => {
    const held = stepScalars.get(value) ?? tf.keep(tf.scalar(value));
    stepScalars.set(value, held);
    return held;
  };
  const decay = (gradient: Tensor, weight: Tensor): Tensor =>
    tf.tidy(() => kernels.plus(gradient, kernels.timesConstant(weight, rule.weightDecay)));
  const onDevice = (start: AdamStart): AdamSlot => {
    const variables = {
      weight: new Variable(tf, ops, start.weight, start.shape),
      first: new Variable(tf, ops, start.first, start.shape),
      second: new Variable(tf, ops, start.second, start.shape),
    };
    const handles = [variables.weight.handle, variables.first.handle, variables.second.handle];
    return {
      read: (which) => variables[which].read(),
      apply(weight, gradient, { rate, epsilon, shrink }) {
        const decayed = rule.weightDecay === 0 ? gradient : decay(gradient, weight);
        if (shrink !== 1) {
          const shrunk = tf.mul(weight, scalar(shrink));
          variables.weight.assign(shrunk);
          shrunk.dispose();
        }
        // The update is in place only if nothing else holds the array.
        weight.dispose();
        // The powers of the betas are 0 because `rate` already includes the bias correction.
        const scalars = [zero, zero, scalar(rate), beta1, beta2, scalar(epsilon)];
        ops.perform('ResourceApplyAdam', update, [...handles, ...scalars, decayed]);
        if (decayed !== gradient) decayed.dispose();
      },
      dispose: () => Object.values(variables).forEach((variable) => variable.dispose()),
    };
  };
  return {
    make: (start) =>
      !ops.gpu && start.weight.length <= HOST_ELEMENTS ? onHost.make(start) : onDevice(start),
    endUpdate() {
      stepScalars.forEach((value) => value.dispose());
      stepScalars.clear();
    },
    dispose: () => fixed.forEach((value) => value.dispose()),
  };
}

let variableCount = 0;

/** A resource variable of TensorFlow, which its operations update in place. */
class Variable {
  readonly handle: Tensor;
  private readonly ops: NativeOps;
  private readonly float: Attributes;

  constructor(tf: TensorFlow, ops: NativeOps, values: Float32Array, shape: number[]) {
    this.ops = ops;
    this.float = [ops.type('dtype', ops.types.float32)];
    const name = ops.string('shared_name', `sam-mil-${variableCount++}`);
    const attributes = [...this.float, ops.shape('shape', shape), ops.string('container', ''), name];
    this.handle = tf.keep(ops.run('VarHandleOp', attributes, []));
    const start = tf.tensor(values, shape);
    this.assign(start);
    start.dispose();
  }

  assign(values: Tensor): void {
    this.ops.perform('AssignVariableOp', this.float, [this.handle, values]);
  }

  /** Its current value, which shares memory until the next update. */
  read(): Tensor {
    return this.ops.run('ReadVariableOp', this.float, [this.handle]);
  }

  dispose(): void {
    this.ops.perform('DestroyResourceOp', [this.ops.bool('ignore_lookup_error', true)], [this.handle]);
    this.handle.dispose();
  }
}
