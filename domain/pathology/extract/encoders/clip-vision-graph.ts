import type { TensorLayout } from '../../../files/torch/torch-layout.js';
import { ANY, ModelWeights } from '../../../machine/onnx/model-weights.js';
import { OnnxGraph } from '../../../machine/onnx/onnx-graph.js';
import type { Activation } from './vit/vit-options.js';

/** Epsilon of all layer normalizations in CLIP. */
const EPSILON = 1e-5;

export interface ClipVisionOptions {
  /** Default: quick-gelu. */
  activation?: Activation;
  /** Channels per attention head, which tensors do not determine: 64 in all published CLIP models. */
  headWidth?: number;
  /**
   * Adds hidden states as outputs, for comparison with the original: `embedded` (after pre_layrnorm),
   * `layer.0`, ..., `pooled`.
   */
  stages?: boolean;
}

/**
 * Builds CLIP's vision tower (Radford et al., ICML 2021) as an ONNX graph: `image` float32 [n, 3, size,
 * size], normalized, to `features` [n, dim], the projected class token without scaling to unit length. Names
 * follow `CLIPModel` of Hugging Face, as in vinid/plip (which spells `pre_layrnorm`). All sizes except the
 * head width come from the tensors; the text tower is ignored.
 *
 * @param tensors a checkpoint's tensors by name, see `tensorLayout`
 * @throws SamMilError UnsupportedFormat naming the tensor that is missing or has the wrong shape
 */
export function buildClipVision(
  tensors: ReadonlyMap<string, TensorLayout>,
  options: ClipVisionOptions = {},
): Uint8Array {
  return new ClipVisionBuilder(tensors, options).build();
}

/**
 * Returns the patch side and feature length of a checkpoint.
 * @throws SamMilError as {@link buildClipVision}
 */
export function clipVisionSizes(tensors: ReadonlyMap<string, TensorLayout>): { size: number; dim: number } {
  const { image, dim } = readSizes(modelWeights(tensors));
  return { size: image, dim };
}

interface Sizes {
  width: number;
  kernel: number;
  /** Squares per side of the image. */
  grid: number;
  /** Side of the image. */
  image: number;
  mlp: number;
  layers: number;
  dim: number;
}

function modelWeights(tensors: ReadonlyMap<string, TensorLayout>): ModelWeights {
  return new ModelWeights(
    tensors,
    "CLIP's vision tower with the names of vinid/plip",
    'vision_model.embeddings.patch_embedding.weight',
  );
}

function readSizes(weights: ModelWeights): Sizes {
  const [width, , kernel] = weights.tensor('vision_model.embeddings.patch_embedding.weight', [
    ANY,
    3,
    ANY,
    ANY,
  ]).shape;
  const [tokens] = weights.tensor('vision_model.embeddings.position_embedding.weight', [ANY, width]).shape;
  const grid = Math.round(Math.sqrt(tokens - 1));
  if (grid * grid !== tokens - 1) {
    throw weights.refusal('has position embeddings that do not form a square', {
      expected: 'one more row than a square number in vision_model.embeddings.position_embedding.weight',
      found: `${tokens}`,
    });
  }
  let layers = 0;
  while (weights.has(`${layerName(layers)}.layer_norm1.weight`)) layers++;
  const [mlp] = weights.tensor(`${layerName(0)}.mlp.fc1.weight`, [ANY, width]).shape;
  const [dim] = weights.tensor('visual_projection.weight', [ANY, width]).shape;
  return { width, kernel, grid, image: grid * kernel, mlp, layers, dim };
}

function layerName(layer: number): string {
  return `vision_model.encoder.layers.${layer}`;
}

class ClipVisionBuilder {
  private readonly graph = new OnnxGraph('clip-vision');
  private readonly weights: ModelWeights;
  private readonly sizes: Sizes;
  private readonly headWidth: number;
  private readonly activation: Activation;
  private readonly stages: boolean;

  constructor(tensors: ReadonlyMap<string, TensorLayout>, options: ClipVisionOptions) {
    this.weights = modelWeights(tensors);
    this.sizes = readSizes(this.weights);
    this.headWidth = options.headWidth ?? 64;
    this.activation = options.activation ?? 'quick-gelu';
    this.stages = options.stages ?? false;
  }

  build(): Uint8Array {
    const { graph } = this;
    const { width, layers, dim } = this.sizes;
    if (width % this.headWidth !== 0) {
      throw this.weights.refusal('cannot be split into attention heads', {
        expected: `a width divisible by ${this.headWidth}`,
        found: `${width}`,
        next: "correct `head-width`; the model's page or config.json states it",
      });
    }
    let x = this.embed();
    for (let layer = 0; layer < layers; layer++) x = this.layer(x, layerName(layer), `layer.${layer}`);
    const first = graph.node('Gather', [x, graph.constant([0], [], 'int64')], { axis: 1 });
    const pooled = this.normalize(first, 'vision_model.post_layernorm', 'pooled');
    const projection = this.stored('visual_projection.weight', [dim, width]);
    graph.output(graph.node('Gemm', [pooled, projection], { transB: 1 }, 'features'), ['n', dim]);
    return graph.encode();
  }

  /**
   * [n, 3, size, size] to [n, 1 + squares, width]: the class token, then the squares row by row, with
   * positions added.
   */
  private embed(): string {
    const { graph } = this;
    const { width, kernel, grid, image } = this.sizes;
    const prefix = 'vision_model.embeddings';
    const input = graph.input('image', ['n', 3, image, image]);
    const squares = graph.node(
      'Conv',
      [input, this.stored(`${prefix}.patch_embedding.weight`, [width, 3, kernel, kernel])],
      { kernel_shape: [kernel, kernel], strides: [kernel, kernel] },
    );
    const rows = graph.node('Reshape', [squares, graph.constant([0, width, grid * grid], [3], 'int64')]);
    const tokens = graph.node('Transpose', [rows], { perm: [0, 2, 1] });
    // The class token is the same for all images: an empty row before the squares that is filled together
    // with the positions.
    const placed = graph.node('Pad', [tokens, graph.constant([0, 1, 0, 0, 0, 0], [6], 'int64')]);
    const classToken = graph.node('Reshape', [
      this.stored(`${prefix}.class_embedding`, [width]),
      graph.constant([1, width], [2], 'int64'),
    ]);
    const inFront = graph.node('Pad', [classToken, graph.constant([0, 0, grid * grid, 0], [4], 'int64')]);
    const positions = this.stored(`${prefix}.position_embedding.weight`, [grid * grid + 1, width]);
    const embedded = graph.node('Add', [placed, graph.node('Add', [positions, inFront])]);
    return this.normalize(embedded, 'vision_model.pre_layrnorm', 'embedded');
  }

  /** Attention and a two-layer perceptron, each applied to the normalized state and added to it. */
  private layer(input: string, name: string, output: string): string {
    const { graph } = this;
    const { width, mlp } = this.sizes;
    const attended = this.attention(this.normalize(input, `${name}.layer_norm1`), `${name}.self_attn`);
    const middle = graph.node('Add', [input, attended]);
    const wide = this.dense(this.normalize(middle, `${name}.layer_norm2`), `${name}.mlp.fc1`, width, mlp);
    const narrow = this.dense(graph.node('Mul', [wide, this.gate(wide)]), `${name}.mlp.fc2`, mlp, width);
    const state = graph.node('Add', [middle, narrow], {}, output);
    this.show(state, 3);
    return state;
  }

  /** The factor of GELU: the normal distribution function of the input, or its approximation. */
  private gate(x: string): string {
    const { graph } = this;
    if (this.activation === 'quick-gelu') {
      return graph.node('Sigmoid', [graph.node('Mul', [x, graph.constant([1.702], [])])]);
    }
    const error = graph.node('Erf', [graph.node('Mul', [x, graph.constant([Math.SQRT1_2], [])])]);
    const half = graph.constant([0.5], []);
    return graph.node('Add', [graph.node('Mul', [error, half]), half]);
  }

  private attention(x: string, name: string): string {
    const { graph, headWidth } = this;
    const { width } = this.sizes;
    const heads = width / headWidth;
    const cut = (part: 'q' | 'k' | 'v', perm: readonly number[]): string => {
      const all = this.dense(x, `${name}.${part}_proj`, width, width);
      const shape = graph.constant([0, 0, heads, headWidth], [4], 'int64');
      return graph.node('Transpose', [graph.node('Reshape', [all, shape])], { perm });
    };
    const query = graph.node('Mul', [cut('q', [0, 2, 1, 3]), graph.constant([headWidth ** -0.5], [])]);
    const scores = graph.node('MatMul', [query, cut('k', [0, 2, 3, 1])]);
    const weighted = graph.node('MatMul', [
      graph.node('Softmax', [scores], { axis: -1 }),
      cut('v', [0, 2, 1, 3]),
    ]);
    const joined = graph.node('Reshape', [
      graph.node('Transpose', [weighted], { perm: [0, 2, 1, 3] }),
      graph.constant([0, 0, width], [3], 'int64'),
    ]);
    return this.dense(joined, `${name}.out_proj`, width, width);
  }

  private dense(x: string, name: string, from: number, to: number): string {
    const weight = this.graph.node('Transpose', [this.stored(`${name}.weight`, [to, from])], {
      perm: [1, 0],
    });
    return this.graph.node('Add', [
      this.graph.node('MatMul', [x, weight]),
      this.stored(`${name}.bias`, [to]),
    ]);
  }

  private normalize(x: string, name: string, output?: string): string {
    const { width } = this.sizes;
    const parameters = ['weight', 'bias'].map((parameter) => this.stored(`${name}.${parameter}`, [width]));
    const value = this.graph.node(
      'LayerNormalization',
      [x, ...parameters],
      { axis: -1, epsilon: { float: EPSILON } },
      output,
    );
    if (output !== undefined) this.show(output, output === 'pooled' ? 2 : 3);
    return value;
  }

  private stored(name: string, shape: readonly number[]): string {
    return this.graph.stored(name, this.weights.tensor(name, shape));
  }

  private show(value: string, rank: number): void {
    if (!this.stages) return;
    const { width, grid } = this.sizes;
    this.graph.output(value, rank === 2 ? ['n', width] : ['n', grid * grid + 1, width]);
  }
}
