import { bfloat16FromFloat32, float16FromFloat32 } from '../../files/half-float.js';
import { arrayFromBytes, toFloat32, viewBytes } from '../../files/tensor.js';
import {
  castNode,
  castTarget,
  isExternal,
  type ModelNode,
  type ModelParts,
  type ModelTensor,
  valueName,
} from './model-parts.js';

export type HalfType = 'float16' | 'bfloat16';

type FloatType = HalfType | 'float32';

/** A tensor of the changed model. External values still have the element type `from`. */
export type PlannedTensor = ModelTensor & { from: ModelTensor['dtype'] };

/**
 * Operators that do the work, and for which half precision is fast: as in PyTorch's autocast, matrix products
 * and convolutions. ONNX Runtime's attention has its softmax in float32.
 */
const HALF = new Set(['MatMul', 'Gemm', 'Conv', 'MultiHeadAttention']);

/** Operators that only move values. */
const MOVING = new Set([
  'Concat',
  'Flatten',
  'Gather',
  'Identity',
  'Reshape',
  'Slice',
  'Split',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
]);

/**
 * Operators that stay in half precision if their inputs are. All others (layer normalization, softmax, means)
 * are computed in float32.
 */
const FOLLOWING = new Set([...MOVING, 'Add', 'Clip', 'Erf', 'MaxPool', 'Mul', 'Relu', 'Sigmoid']);

/** Of these, those that ONNX Runtime has on a GPU. All others are emulated there too. */
const ON_GPU: Readonly<Record<HalfType, ReadonlySet<string>>> = {
  float16: new Set([...HALF, ...FOLLOWING]),
  bfloat16: new Set([...MOVING, 'MatMul', 'Gemm', 'Add', 'Mul', 'Erf', 'Relu']),
};

/**
 * Changes a float32 model of {@link OnnxGraph} so that it computes in half precision where that is safe, with
 * the same inputs and outputs in float32: matrix products take and return half floats, while normalization,
 * softmax, the residual stream and the features are float32 (Micikevicius et al., "Mixed Precision Training",
 * ICLR 2018).
 *
 * @param emulate for a device that has no operators for half floats: computes each operator in float32 and
 *   rounds its result
 */
export function halfModel(model: ModelParts, type: HalfType, emulate: boolean) {
  return new HalfGraph(model, type, emulate).build();
}

class HalfGraph {
  private readonly model: ModelParts;
  private readonly half: HalfType;
  private readonly native: ReadonlySet<string>;
  private readonly results: ReadonlySet<string>;
  private readonly nodes: ModelNode[] = [];
  private readonly tensors: PlannedTensor[] = [];
  /** Element types of computed floats under their names in the original model. */
  private readonly types = new Map<string, FloatType>();
  /** Weights, and weights that were only moved or widened. They take whatever type their reader needs. */
  private readonly weights = new Map<string, ModelTensor | ModelNode>();
  /** Names of values in a type other than their own. */
  private readonly cast = new Map<string, string>();

  constructor(model: ModelParts, half: HalfType, emulate: boolean) {
    this.model = model;
    this.half = half;
    this.native = emulate ? MOVING : ON_GPU[half];
    this.results = new Set(model.outputs.map(valueName));
  }

  build(): ModelParts & { tensors: PlannedTensor[] } {
    const { inputs, outputs, name } = this.model;
    for (const tensor of this.model.tensors) {
      if (tensor.dtype === 'int64') this.tensors.push({ ...tensor, from: 'int64' });
      else this.weights.set(tensor.name, tensor);
    }
    for (const input of inputs) this.types.set(valueName(input), 'float32');
    for (const node of this.model.nodes) this.add(node);
    return { name, nodes: this.nodes, tensors: this.tensors, inputs, outputs };
  }

  private add(node: ModelNode): void {
    if (this.movesWeight(node)) {
      this.weights.set(node.outputs[0], node);
      return;
    }
    const computed = node.inputs.flatMap((input) => this.types.get(input) ?? []);
    const type = this.typeFor(node, computed);
    const inputs = node.inputs.map((input) => (this.isFloat(input) ? this.as(input, type) : input));
    const isFloat = node.op !== 'Shape' && node.inputs.some((input) => this.isFloat(input));
    if (isFloat) this.emit({ ...node, inputs }, type);
    else this.nodes.push({ ...node, inputs });
  }

  private typeFor({ op }: ModelNode, computed: readonly FloatType[]): FloatType {
    if (HALF.has(op)) return this.half;
    const follows = FOLLOWING.has(op) && computed.length > 0;
    return follows && computed.every((type) => type === this.half) ? this.half : 'float32';
  }

  /** The features, and each result of an emulated operator, get their name after a Cast. */
  private emit(node: ModelNode, type: FloatType): void {
    const isHalf = type !== 'float32';
    const emulated = isHalf && !this.native.has(node.op);
    const inputs = emulated ? node.inputs.map((input) => this.widened(input)) : node.inputs;
    const outputs = node.outputs.map((output) => {
      const isResult = this.results.has(output);
      this.types.set(output, isResult ? 'float32' : type);
      return isHalf && (emulated || isResult) ? `${output}:raw` : output;
    });
    this.nodes.push({ ...node, inputs, outputs });
    for (const [index, output] of node.outputs.entries()) {
      const raw = outputs[index];
      if (raw === output) continue;
      const isResult = this.results.has(output);
      const rounded = isResult && emulated ? `${output}:rounded` : raw;
      if (rounded !== raw) this.nodes.push(castNode(raw, rounded, this.half));
      this.nodes.push(castNode(rounded, output, isResult ? 'float32' : this.half));
    }
  }

  /** The value of a half float as float32, for an emulated operator. `input` is a name in the new model. */
  private widened(input: string): string {
    return this.once(input, 'wide', (name) => this.nodes.push(castNode(input, name, 'float32')));
  }

  private isFloat(value: string): boolean {
    return this.types.has(value) || this.weights.has(value);
  }

  /** The name in the new model of a float of the original one as `type`. */
  private as(value: string, type: FloatType): string {
    const weight = this.weights.get(value);
    if (weight !== undefined) return this.weight(value, weight, type);
    if (this.types.get(value) === type) return value;
    return this.once(value, type, (name) => this.nodes.push(castNode(value, name, type)));
  }

  private weight(value: string, weight: ModelTensor | ModelNode, type: FloatType): string {
    if (!('op' in weight)) return this.tensor(weight, type);
    if (weight.op === 'Cast') return this.as(weight.inputs[0], type);
    return this.once(value, type, (name) => {
      const [data, ...rest] = weight.inputs;
      this.nodes.push({ ...weight, inputs: [this.as(data, type), ...rest], outputs: [name] });
    });
  }

  private tensor(tensor: ModelTensor, type: FloatType): string {
    if (type === 'float32' && tensor.dtype !== 'float32') {
      const stored = this.tensor(tensor, tensor.dtype as HalfType);
      return this.once(tensor.name, type, (name) => this.nodes.push(castNode(stored, name, type)));
    }
    return this.once(tensor.name, `stored ${type}`, (name) => {
      const data = isExternal(tensor.data) ? tensor.data : narrowed(tensor.data, tensor.dtype, type);
      this.tensors.push({ ...tensor, name, dtype: type, data, from: tensor.dtype });
    });
  }

  private once(value: string, kind: string, make: (name: string) => void): string {
    const key = `${value}:${kind}`;
    const known = this.cast.get(key);
    if (known !== undefined) return known;
    this.cast.set(key, key);
    make(key);
    return key;
  }

  private movesWeight({ op, inputs, ...node }: ModelNode): boolean {
    const [data, ...rest] = inputs;
    if (!this.weights.has(data) || rest.some((input) => this.isFloat(input))) return false;
    if (op === 'Cast') return castTarget({ op, inputs, ...node }) === 'float32';
    return MOVING.has(op) && node.outputs.length === 1;
  }
}

/** Converts the few values of a constant. */
function narrowed(bytes: Uint8Array, from: ModelTensor['dtype'], to: FloatType): Uint8Array {
  if (from === to) return bytes;
  const values = toFloat32({ dtype: from, data: arrayFromBytes(from, bytes) });
  return viewBytes(to === 'float16' ? float16FromFloat32(values) : bfloat16FromFloat32(values));
}
