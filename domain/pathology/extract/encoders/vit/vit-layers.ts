import type { ModelWeights } from '../../../../machine/onnx/model-weights.js';
import type { OnnxGraph } from '../../../../machine/onnx/onnx-graph.js';
import type { Activation } from './vit-options.js';

/** The layers of a transformer as ONNX nodes, with weights from a checkpoint. States are [rows, width]. */
export class VitLayers {
  readonly graph: OnnxGraph;
  readonly weights: ModelWeights;
  private readonly epsilon: number;

  constructor(graph: OnnxGraph, weights: ModelWeights, epsilon: number) {
    this.graph = graph;
    this.weights = weights;
    this.epsilon = epsilon;
  }

  /**
   * A linear layer. `Gemm` takes the matrix as it is stored: a transposed copy of every matrix would double
   * the memory of loading.
   */
  dense(x: string, name: string, from: number, to: number, bias = true): string {
    return this.multiply(
      x,
      this.stored(`${name}.weight`, [to, from]),
      bias ? this.stored(`${name}.bias`, [to]) : undefined,
    );
  }

  /** x times the transpose of a matrix, plus a bias. */
  multiply(x: string, matrix: string, bias?: string, output?: string): string {
    const inputs = bias === undefined ? [x, matrix] : [x, matrix, bias];
    return this.graph.node('Gemm', inputs, { transB: 1 }, output);
  }

  normalize(x: string, name: string, width: number, epsilon = this.epsilon, output?: string): string {
    const parameters = ['weight', 'bias'].map((parameter) => this.stored(`${name}.${parameter}`, [width]));
    const attributes = { axis: -1, epsilon: { float: epsilon } };
    return this.graph.node('LayerNormalization', [x, ...parameters], attributes, output);
  }

  /** The forms of GELU, QuickGELU and SiLU that ONNX Runtime replaces with one operator. */
  activate(x: string, activation: Activation | 'silu'): string {
    const { graph } = this;
    if (activation === 'silu') return graph.node('Mul', [x, graph.node('Sigmoid', [x])]);
    if (activation === 'quick-gelu') {
      const steep = graph.node('Mul', [x, graph.constant([1.702], [])]);
      return graph.node('Mul', [x, graph.node('Sigmoid', [steep])]);
    }
    const error = graph.node('Erf', [graph.node('Div', [x, graph.constant([Math.SQRT2], [])])]);
    const twice = graph.node('Mul', [x, graph.node('Add', [error, graph.constant([1], [])])]);
    return graph.node('Mul', [twice, graph.constant([0.5], [])]);
  }

  stored(name: string, shape: readonly number[]): string {
    return this.graph.stored(name, this.weights.tensor(name, shape));
  }
}
