import { type Attribute, OnnxGraph } from '../../../../machine/onnx/onnx-graph.js';
import type { SamCheckpoint } from './sam-checkpoint.js';

/** Index that the ONNX operator Slice interprets as "to the end". */
const END = 2 ** 31 - 1;

/** Internal values of a network for tests: graph names by their names in the original. */
export type Stages = Map<string, string>;

/**
 * Layers of the Segment Anything networks on an ONNX graph whose weights are in a checkpoint. Rows are
 * tokens, columns are channels.
 */
export class SamLayers {
  readonly graph: OnnxGraph;
  readonly checkpoint: SamCheckpoint;
  private readonly known = new Map<string, string>();
  private readonly stages?: Stages;

  constructor(name: string, checkpoint: SamCheckpoint, stages?: Stages) {
    this.graph = new OnnxGraph(name);
    this.checkpoint = checkpoint;
    this.stages = stages;
  }

  /** Adds a tensor of the checkpoint. @throws SamMilError UnsupportedFormat if it does not have this shape */
  weight(name: string, shape: readonly number[]): string {
    return this.once(name, () => this.graph.stored(name, this.checkpoint.tensor(name, shape)));
  }

  numbers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.once(`${String(values)}/${String(shape)}`, () => this.graph.constant(values, shape));
  }

  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.once(`i${String(values)}/${String(shape)}`, () =>
      this.graph.constant(values, shape, 'int64'),
    );
  }

  /** Returns the result of `make` from the first call with this key. */
  once(key: string, make: () => string): string {
    let value = this.known.get(key);
    if (value === undefined) {
      value = make();
      this.known.set(key, value);
    }
    return value;
  }

  op(op: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): string {
    return this.graph.node(op, inputs, attributes);
  }

  reshape(x: string, shape: readonly number[]): string {
    return this.op('Reshape', [x, this.integers(shape)]);
  }

  transpose(x: string, perm: readonly number[]): string {
    return this.op('Transpose', [x], { perm });
  }

  add(a: string, b: string): string {
    return this.op('Add', [a, b]);
  }

  matmul(a: string, b: string): string {
    return this.op('MatMul', [a, b]);
  }

  concat(parts: readonly string[], axis: number): string {
    return this.op('Concat', parts, { axis });
  }

  softmax(x: string): string {
    return this.op('Softmax', [x], { axis: -1 });
  }

  scale(x: string, factor: number): string {
    return this.op('Mul', [x, this.numbers([factor], [])]);
  }

  /** Slices one axis from `from` to `to` (default: the end). */
  slice(x: string, axis: number, from: number, to = END): string {
    return this.op('Slice', [x, this.integers([from]), this.integers([to]), this.integers([axis])]);
  }

  /** Selects one position along an axis and removes the axis. */
  pick(x: string, axis: number, index: number): string {
    return this.op('Gather', [x, this.integers([index], [])], { axis });
  }

  /** Fully connected layer as in torch, with a weight of `to` x `from`: rows x from to rows x to. */
  linear(x: string, name: string, from: number, to: number): string {
    const inputs = [x, this.weight(`${name}.weight`, [to, from]), this.weight(`${name}.bias`, [to])];
    return this.op('Gemm', inputs, { transB: 1 });
  }

  /** Normalizes each row. */
  layerNorm(x: string, name: string, width: number, epsilon: number): string {
    const inputs = [x, this.weight(`${name}.weight`, [width]), this.weight(`${name}.bias`, [width])];
    return this.op('LayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } });
  }

  /** The exact GELU, x/2 (1 + erf(x / sqrt 2)), in a form that ONNX Runtime fuses into one operator. */
  gelu(x: string): string {
    const erf = this.op('Erf', [this.op('Div', [x, this.numbers([Math.SQRT2], [])])]);
    const product = this.op('Mul', [x, this.add(erf, this.numbers([1], []))]);
    return this.scale(product, 0.5);
  }

  /** Records a value under its name in the original, and as a graph output if stages are requested. */
  stage(name: string, value: string, shape: readonly (number | string)[]): string {
    if (this.stages !== undefined) {
      this.graph.output(value, shape);
      this.stages.set(name, value);
    }
    return value;
  }
}
