import type * as TensorFlowModule from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type * as ChainedOps from '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';

/** Its operations are methods of tensors too, which a separate module of it declares. */
export type TensorFlow = typeof TensorFlowModule & typeof ChainedOps;

type Value = number | boolean | string | number[];
interface Attribute {
  name: string;
  type: number;
  value: Value;
}

/** The part of the package's backend object that is used; its type is not exported. */
interface NodeBackend {
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

/** Attributes of an operation, ready to pass. Building them costs more than some operations do, so they are built once. */
export type Attributes = Attribute[];

export interface NativeOps {
  readonly gpu: boolean;
  /** TensorFlow's number of a type. */
  readonly types: Readonly<Record<'float32' | 'int32' | 'uint8' | 'bool', number>>;
  type(name: string, value: number): Attribute;
  bool(name: string, value: boolean): Attribute;
  string(name: string, value: string): Attribute;
  shape(name: string, value: number[]): Attribute;
  /** Runs a TensorFlow operation with one output, outside automatic differentiation. */
  run<T extends Tensor>(name: string, attributes: Attributes, inputs: Tensor[]): T;
  /** The same for operations without an output. */
  perform(name: string, attributes: Attributes, inputs: Tensor[]): void;
}

/** Access to TensorFlow's operations by name, as its C API has them. */
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
