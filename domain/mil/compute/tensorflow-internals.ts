/**
 * The only uses of TensorFlow.js beyond its public API. The package's declarations hide these parts, so an
 * upgrade may change them without a compile error. The test of this file checks each one and names those that
 * changed.
 */
import type * as TensorFlowModule from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type * as ChainedOps from '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';

/** Its operations are also methods of tensors, which a separate module declares. */
export type TensorFlow = typeof TensorFlowModule & typeof ChainedOps;

/** A recorded operation. */
export interface Operation {
  inputs: Record<string, Tensor>;
  outputs: Tensor[];
  /** Tensors that the gradient needs. They are valid until disposed. */
  saved: Tensor[];
  /** Computes the gradients by input, some of them lazily. Missing where the operation has none. */
  gradient?: (dys: (Tensor | null)[]) => Record<string, () => Tensor>;
}

interface TapeNode extends Operation {
  id: number;
  kernelName: string;
}

/** The parts of TensorFlow.js's engine that record. */
export interface TapeEngine {
  state: {
    activeTape: TapeNode[] | null;
    /** The number of active recordings, and of enclosing operations inside which nothing is recorded. */
    gradientDepth: number;
    kernelDepth: number;
    nextTapeNodeId: number;
  };
  startTape(): void;
  endTape(): void;
  backend: { incRef(data: Tensor['dataId']): void };
  makeTensorFromDataId(data: Tensor['dataId'], shape: number[], dtype: Tensor['dtype']): Tensor;
}

export function tapeEngine(tf: TensorFlow): TapeEngine {
  return tf.engine() as unknown as TapeEngine;
}

/** Returns the value of `f`, tidied, and its operations in order. The caller disposes their saved tensors. */
export function recorded<T extends Tensor>(
  tf: TensorFlow,
  f: () => T,
): { value: T; operations: Operation[] } {
  const engine = tapeEngine(tf);
  engine.startTape();
  try {
    const value = tf.tidy(f);
    return { value, operations: engine.state.activeTape ?? [] };
  } catch (error) {
    engine.state.activeTape?.forEach(({ saved }) => tf.dispose(saved));
    throw error;
  } finally {
    engine.endTape();
    engine.state.activeTape = null;
  }
}

/**
 * Runs `f` as one operation: nothing inside it is recorded.
 *
 * @param f receives the function that records the operation itself, or undefined if no recording is active
 */
export function asOneOperation<T>(
  tf: TensorFlow,
  f: (record: ((operation: Operation) => void) | undefined) => T,
): T {
  const { state } = tapeEngine(tf);
  const tape = state.gradientDepth > 0 && state.kernelDepth === 0 ? state.activeTape : null;
  const record = (operation: Operation): void => {
    tape?.push({ id: state.nextTapeNodeId++, kernelName: 'differentiable', ...operation });
  };
  state.kernelDepth++;
  try {
    return f(tape === null ? undefined : record);
  } finally {
    state.kernelDepth--;
  }
}

/**
 * Returns a separate tensor with the same data, which is valid until disposed. Copies nothing and records
 * nothing.
 */
export function shared(tf: TensorFlow, tensor: Tensor): Tensor {
  const engine = tapeEngine(tf);
  engine.backend.incRef(tensor.dataId);
  return tf.keep(engine.makeTensorFromDataId(tensor.dataId, tensor.shape, tensor.dtype));
}

/** Keeps the JavaScript backend from printing its hint to install the native package. */
export function silenceHint(tf: TensorFlow): void {
  (tf.backend() as { firstUse?: boolean }).firstUse = false;
}

type Value = number | boolean | string | number[];
interface Attribute {
  name: string;
  type: number;
  value: Value;
}

/** The parts of the native package's backend that run operations. */
export interface NodeBackend {
  binding: {
    executeOp(
      name: string,
      attributes: Attribute[],
      inputs: number[],
      outputs: number,
    ): { id: number; shape: number[]; dtype: number }[];
    isUsingGpuDevice(): boolean;
    [constant: `TF_${string}`]: number;
  };
  getInputTensorIds(tensors: Tensor[]): number[];
  createOutputTensor(metadata: { id: number; shape: number[]; dtype: number }): Tensor;
}

/** Attributes of an operation. Building them costs more than some operations, so build them once. */
export type Attributes = Attribute[];

export interface NativeOps {
  readonly gpu: boolean;
  /** TensorFlow's numbers for element types. */
  readonly types: Readonly<Record<'float32' | 'int32' | 'uint8' | 'bool', number>>;
  type(name: string, value: number): Attribute;
  bool(name: string, value: boolean): Attribute;
  string(name: string, value: string): Attribute;
  shape(name: string, value: number[]): Attribute;
  /** Runs a TensorFlow operation with one output, outside automatic differentiation. */
  run<T extends Tensor>(name: string, attributes: Attributes, inputs: Tensor[]): T;
  /** Runs a TensorFlow operation without an output. */
  perform(name: string, attributes: Attributes, inputs: Tensor[]): void;
}

/** Gives access to TensorFlow's operations by their names in its C API. The native backend must be active. */
export function nativeOps(tf: TensorFlow): NativeOps {
  const backend = tf.backend() as unknown as NodeBackend;
  const { binding } = backend;
  const attribute = (type: number) => (name: string, value: Value) => ({ name, type, value });
  return {
    gpu: binding.isUsingGpuDevice(),
    types: {
      float32: binding.TF_FLOAT,
      int32: binding.TF_INT32,
      uint8: binding.TF_UINT8,
      bool: binding.TF_BOOL,
    },
    type: attribute(binding.TF_ATTR_TYPE),
    bool: attribute(binding.TF_ATTR_BOOL),
    string: attribute(binding.TF_ATTR_STRING),
    shape: attribute(binding.TF_ATTR_SHAPE),
    run<T extends Tensor>(name: string, attributes: Attributes, inputs: Tensor[]): T {
      const [output] = binding.executeOp(name, attributes, backend.getInputTensorIds(inputs), 1);
      return backend.createOutputTensor(output) as T;
    },
    perform(name, attributes, inputs) {
      binding.executeOp(name, attributes, backend.getInputTensorIds(inputs), 0);
    },
  };
}
