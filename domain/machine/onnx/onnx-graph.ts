import { SamMilError } from '../../errors.js';
import { bytesPerElement, countElements } from '../../files/tensor.js';
import type { TensorLayout } from '../../files/torch/torch-layout.js';
import { ProtoWriter, protoFields } from './protobuf.js';

/** ONNX's numbers for element types (`TensorProto.DataType`). */
export const ELEMENT_TYPES = { float32: 1, int64: 7, float16: 10, bfloat16: 16 } as const;
export type OnnxElement = keyof typeof ELEMENT_TYPES;

/** Field numbers of onnx.proto3, by message. */
export const MODEL = { irVersion: 1, producer: 2, graph: 7, opset: 8 } as const;
export const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;
export const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 } as const;
export const ATTRIBUTE = {
  name: 1,
  float: 2,
  integer: 3,
  text: 4,
  floats: 7,
  integers: 8,
  type: 20,
} as const;
export const TENSOR = { dims: 1, type: 2, name: 8, raw: 9, externalData: 13, location: 14 } as const;
export const VALUE = { name: 1, type: 2 } as const;

/** Opset 17 has LayerNormalization, which transformers need. IR version 8 was released with it. */
const OPSET = 17;
const IR_VERSION = 8;

/** The domain of ONNX Runtime's own operators, which its providers for the CPU and for CUDA have. */
const RUNTIME_DOMAIN = 'com.microsoft';
const RUNTIME_OPSET = 1;

export type Attribute = number | string | readonly number[] | { float: number };

/**
 * Builds an ONNX model node by node. Weights stay in the checkpoint: the graph refers to them as external
 * data. A graph therefore takes tens of kilobytes, and running a checkpoint needs neither Python nor a copy
 * of it.
 */
export class OnnxGraph {
  private readonly name: string;
  private readonly nodes: ProtoWriter[] = [];
  private readonly initializers: ProtoWriter[] = [];
  private readonly inputs: ProtoWriter[] = [];
  private readonly outputs: ProtoWriter[] = [];
  private count = 0;
  private usesRuntimeDomain = false;

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Declares an input. A string denotes a size that is known only at run time.
   *
   * @returns the input's name
   */
  input(name: string, shape: readonly (number | string)[], dtype: OnnxElement = 'float32'): string {
    this.inputs.push(valueInfo(name, dtype, shape));
    return name;
  }

  /** Makes a value an output of the model, under its current name. */
  output(value: string, shape: readonly (number | string)[], dtype: OnnxElement = 'float32'): void {
    this.outputs.push(valueInfo(value, dtype, shape));
  }

  /**
   * Adds an operator with one output. Numbers become int attributes; write `{ float: 6 }` for a float
   * attribute. A value that becomes an output of the model must get its name here. A trailing Identity is not
   * an option: ONNX Runtime 1.30 mishandles it if its input has other readers.
   *
   * @param op name in ONNX, or `com.microsoft.Name` for an operator of ONNX Runtime
   * @returns the output's name
   */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    output = `${op.replace(`${RUNTIME_DOMAIN}.`, '').toLowerCase()}_${this.count++}`,
  ): string {
    this.addNode(op, inputs, [output], attributes);
    return output;
  }

  /** Splits a value along an axis into parts of the given sizes. Returns their names. */
  split(value: string, axis: number, sizes: readonly number[]): string[] {
    const number = this.count++;
    const outputs = sizes.map((_, part) => `split_${number}_${part}`);
    this.addNode('Split', [value, this.constant(sizes, [sizes.length], 'int64')], outputs, { axis });
    return outputs;
  }

  /** Adds a small constant. Returns its name. */
  constant(
    values: readonly number[] | Float32Array,
    shape: readonly number[],
    dtype: 'float32' | 'int64' = 'float32',
  ): string {
    const name = `constant_${this.count++}`;
    const data =
      dtype === 'float32'
        ? Float32Array.from(values)
        : BigInt64Array.from([...values], (value) => BigInt(value));
    this.initializers.push(
      tensorHeader(name, dtype, shape).bytes(
        TENSOR.raw,
        new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      ),
    );
    return name;
  }

  /**
   * Adds a weight from a checkpoint, with its axes in logical order and 16-bit floats widened to float32.
   *
   * @returns the value's name
   * @throws SamMilError `UnsupportedFormat` where its element type is unknown or its elements are not dense
   */
  stored(name: string, tensor: TensorLayout): string {
    const { dtype } = tensor;
    if (!isOnnxElement(dtype)) {
      throw new SamMilError('UnsupportedFormat', `tensor ${name} has an unsupported element type`, {
        file: tensor.file,
        expected: Object.keys(ELEMENT_TYPES).join(', '),
        found: dtype,
      });
    }
    const order = memoryOrder(name, tensor);
    const shape = order.map((axis) => tensor.shape[axis]);
    const length = countElements(shape) * bytesPerElement(dtype);
    const external = tensorHeader(name, dtype, shape);
    for (const [key, value] of [
      ['location', tensor.file],
      ['offset', String(tensor.offset)],
      ['length', String(length)],
    ]) {
      external.message(TENSOR.externalData, new ProtoWriter().text(1, key).text(2, value));
    }
    this.initializers.push(external.integer(TENSOR.location, 1));
    let value = name;
    if (order.some((axis, position) => axis !== position)) {
      value = this.node('Transpose', [value], { perm: tensor.shape.map((_, axis) => order.indexOf(axis)) });
    }
    if (dtype === 'float16' || dtype === 'bfloat16') {
      value = this.node('Cast', [value], { to: ELEMENT_TYPES.float32 });
    }
    return value;
  }

  /** Encodes the model as the bytes of an .onnx file. */
  encode(): Uint8Array {
    const { name, nodes, initializers, inputs, outputs } = this;
    return encodeModel(name, { nodes, initializers, inputs, outputs }, this.usesRuntimeDomain);
  }

  private addNode(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Record<string, Attribute>,
  ): void {
    const node = new ProtoWriter();
    for (const input of inputs) node.text(NODE.input, input);
    const ours = op.startsWith(`${RUNTIME_DOMAIN}.`);
    const type = ours ? op.slice(RUNTIME_DOMAIN.length + 1) : op;
    for (const output of outputs) node.text(NODE.output, output);
    node.text(NODE.name, `${type}:${outputs[0]}`).text(NODE.opType, type);
    if (ours) node.text(NODE.domain, RUNTIME_DOMAIN);
    this.usesRuntimeDomain ||= ours;
    for (const [name, value] of Object.entries(attributes))
      node.message(NODE.attribute, attribute(name, value));
    this.nodes.push(node);
  }
}

/** Encodes a model whose graph has these messages. */
export function encodeModel(
  name: string,
  parts: Readonly<Record<'nodes' | 'initializers' | 'inputs' | 'outputs', readonly ProtoWriter[]>>,
  usesRuntimeDomain: boolean,
): Uint8Array {
  const graph = new ProtoWriter();
  for (const node of parts.nodes) graph.message(GRAPH.node, node);
  graph.text(GRAPH.name, name);
  for (const tensor of parts.initializers) graph.message(GRAPH.initializer, tensor);
  for (const input of parts.inputs) graph.message(GRAPH.input, input);
  for (const output of parts.outputs) graph.message(GRAPH.output, output);
  const model = new ProtoWriter()
    .integer(MODEL.irVersion, IR_VERSION)
    .text(MODEL.producer, 'sam-mil')
    .message(MODEL.graph, graph)
    .message(MODEL.opset, new ProtoWriter().text(1, '').integer(2, OPSET));
  if (usesRuntimeDomain) {
    model.message(MODEL.opset, new ProtoWriter().text(1, RUNTIME_DOMAIN).integer(2, RUNTIME_OPSET));
  }
  return model.finish();
}

function isOnnxElement(dtype: string): dtype is OnnxElement {
  return Object.hasOwn(ELEMENT_TYPES, dtype);
}

function tensorHeader(name: string, dtype: OnnxElement, shape: readonly number[]): ProtoWriter {
  return new ProtoWriter()
    .integers(TENSOR.dims, shape)
    .integer(TENSOR.type, ELEMENT_TYPES[dtype])
    .text(TENSOR.name, name);
}

function valueInfo(name: string, dtype: OnnxElement, shape: readonly (number | string)[]): ProtoWriter {
  const dims = new ProtoWriter();
  for (const size of shape) {
    const dim = new ProtoWriter();
    dims.message(1, typeof size === 'number' ? dim.integer(1, size) : dim.text(2, size));
  }
  const tensor = new ProtoWriter().integer(1, ELEMENT_TYPES[dtype]).message(2, dims);
  return new ProtoWriter().text(VALUE.name, name).message(VALUE.type, new ProtoWriter().message(1, tensor));
}

function attribute(name: string, value: Attribute): ProtoWriter {
  const proto = new ProtoWriter().text(ATTRIBUTE.name, name);
  if (typeof value === 'string') return proto.text(ATTRIBUTE.text, value).integer(ATTRIBUTE.type, 3);
  if (typeof value === 'number') return proto.integer(ATTRIBUTE.integer, value).integer(ATTRIBUTE.type, 2);
  if ('float' in value) return proto.float(ATTRIBUTE.float, value.float).integer(ATTRIBUTE.type, 1);
  return proto.integers(ATTRIBUTE.integers, value).integer(ATTRIBUTE.type, 7);
}

/**
 * Returns the axes from the slowest to the fastest in memory. Throws `UnsupportedFormat` unless elements are
 * dense in some order of axes.
 */
function memoryOrder(name: string, tensor: TensorLayout): number[] {
  const { shape, strides } = tensor;
  // Axes of size 1 may have any stride, so they keep their positions.
  const order = shape.map((_, axis) => axis);
  const real = order.filter((axis) => shape[axis] !== 1).sort((a, b) => strides[b] - strides[a]);
  let expected = 1;
  for (const axis of [...real].reverse()) {
    if (strides[axis] !== expected) {
      throw new SamMilError('UnsupportedFormat', `tensor ${name} is not dense in memory`, {
        file: tensor.file,
        expected: `strides that are a permutation of a dense layout of [${shape.join(', ')}]`,
        found: `[${strides.join(', ')}]`,
      });
    }
    expected *= shape[axis];
  }
  const places = real.values();
  return order.map((axis) => (shape[axis] === 1 ? axis : (places.next().value as number)));
}

/**
 * Lists the external files that hold an ONNX model's weights, relative to the model. The list is empty if the
 * model contains all its weights. Only initializers of the top-level graph are examined.
 *
 * @throws SamMilError `UnsupportedFormat` where the bytes are not an ONNX model
 */
export function listExternalFiles(model: Uint8Array, file: string): string[] {
  const names = new Set<string>();
  try {
    for (const graph of messages(model, MODEL.graph)) {
      for (const tensor of messages(graph, GRAPH.initializer)) {
        for (const entry of messages(tensor, TENSOR.externalData)) {
          const [key, value] = [...protoFields(entry)].map((field) => Buffer.from(field.value as Uint8Array));
          if (key?.toString() === 'location') names.add(value.toString());
        }
      }
    }
  } catch (cause) {
    throw new SamMilError('UnsupportedFormat', 'this is not an ONNX model', { file, cause });
  }
  return [...names].sort();
}

function* messages(message: Uint8Array, field: number): Generator<Uint8Array> {
  for (const one of protoFields(message)) {
    if (one.field === field && typeof one.value !== 'number') yield one.value;
  }
}
