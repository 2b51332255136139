import type { TensorLayout } from '../../../../files/torch/torch-layout.js';
import type { ModelWeights } from '../../../../machine/onnx/model-weights.js';
import { OnnxGraph } from '../../../../machine/onnx/onnx-graph.js';
import { poolerDim, poolTokens } from './conch-pooler.js';
import { embeddingTable } from './embedding-table.js';
import { VitLayers } from './vit-layers.js';
import type { VitLayout } from './vit-layouts.js';
import type { Activation, VitOptions, VitOutput } from './vit-options.js';
import { readVitShape, type VitShape, vitWeights } from './vit-tensors.js';

const EPSILON = 1e-6;

export interface VitGraphOptions extends VitOptions {
  /** Side in pixels of the patches that the model takes: a multiple of the patch size. */
  size: number;
  /** Folder of the checkpoint, from which class token, registers and positions are read. */
  folder: string;
  /** Adds `embedded` (input of the first block), `block1` and `final` (all tokens after the last norm). */
  stages?: boolean;
}

/**
 * Builds a vision transformer (Dosovitskiy et al., ICLR 2021), with the parts that DINOv2 added, as an ONNX
 * graph: `image` float32 [n, 3, size, size], normalized, to `features` [n, dim]. All sizes except the number
 * of heads come from the tensors.
 *
 * @throws SamMilError UnsupportedFormat naming the tensor that is missing or has the wrong shape
 */
export function buildVit(
  tensors: ReadonlyMap<string, TensorLayout>,
  layout: VitLayout,
  options: VitGraphOptions,
): Uint8Array {
  return new VitBuilder(tensors, layout, options).build();
}

class VitBuilder {
  private readonly graph = new OnnxGraph('vit');
  private readonly tensors: ReadonlyMap<string, TensorLayout>;
  private readonly layout: VitLayout;
  private readonly options: VitGraphOptions;
  private readonly weights: ModelWeights;
  private readonly shape: VitShape;
  private readonly layers: VitLayers;
  private readonly activation: Activation;
  private readonly output: VitOutput;
  /** Patches per side of the image, and tokens of an image: class, registers, patches. */
  private readonly grid: number;
  private readonly tokens: number;

  constructor(tensors: ReadonlyMap<string, TensorLayout>, layout: VitLayout, options: VitGraphOptions) {
    this.tensors = tensors;
    this.layout = layout;
    this.options = options;
    this.weights = vitWeights(tensors, layout);
    this.shape = readVitShape(tensors, layout);
    this.layers = new VitLayers(this.graph, this.weights, options.epsilon ?? EPSILON);
    this.activation = options.activation ?? 'gelu';
    this.output = options.output ?? defaultOutput(layout);
    this.grid = options.size / this.shape.patch;
    this.tokens = 1 + this.shape.registers + this.grid ** 2;
  }

  build(): Uint8Array {
    const { graph, layout, shape } = this;
    const { width } = shape;
    const { stages = false, heads } = this.options;
    if (width % heads !== 0) {
      throw this.weights.refusal('cannot be split into attention heads', {
        expected: `\`heads\` that divide the width ${width}`,
        found: `${heads}`,
        next: "correct `heads`; the model's page or config.json states it",
      });
    }
    // After the attention of the last block, the class token needs no other token.
    const alone = this.output === 'cls' && !stages;
    const last = shape.blocks.length - 1;
    let x = this.rows(this.embed());
    shape.blocks.forEach((block, index) => {
      x = this.block(x, block, {
        alone: alone && index === last,
        output: index === 0 ? 'block1' : undefined,
      });
    });
    if (stages) graph.output('block1', ['n_tokens', width]);
    const norm = layout.trunk + layout.names.norm;
    if (alone) {
      graph.output(this.layers.normalize(x, norm, width, undefined, 'features'), ['n', width]);
      return graph.encode();
    }
    const final = this.images(this.layers.normalize(x, norm, width), 'final');
    if (stages) graph.output('final', ['n', this.tokens, width]);
    graph.output(this.features(final), ['n', vitDim(this.weights, layout, shape, this.output)]);
    return graph.encode();
  }

  /** [n, 3, size, size] to [n, tokens, width]: class token, registers, then the patches row by row. */
  private embed(): string {
    const { graph, grid, tokens, layout, options } = this;
    const { width, patch, registers } = this.shape;
    const name = layout.trunk + layout.names.patch;
    const image = graph.input('image', ['n', 3, options.size, options.size]);
    const squares = graph.node(
      'Conv',
      [
        image,
        this.layers.stored(`${name}.weight`, [width, 3, patch, patch]),
        this.layers.stored(`${name}.bias`, [width]),
      ],
      { kernel_shape: [patch, patch], strides: [patch, patch] },
    );
    const flat = graph.node('Reshape', [squares, graph.constant([0, width, grid ** 2], [3], 'int64')]);
    const patches = graph.node('Transpose', [flat], { perm: [0, 2, 1] });
    // Class token and registers are the same for all images: empty rows that are filled with the positions.
    const pads = graph.constant([0, 1 + registers, 0, 0, 0, 0], [6], 'int64');
    const table = embeddingTable(this.tensors, { ...options, layout, shape: this.shape, grid });
    const added = graph.constant(table, [1, tokens, width]);
    const embedded = graph.node('Add', [graph.node('Pad', [patches, pads]), added], {}, 'embedded');
    if (options.stages === true) graph.output(embedded, ['n', tokens, width]);
    return embedded;
  }

  /**
   * Attention and a perceptron, each applied to the normalized state, scaled and added to it.
   * @param alone returns only the class token
   */
  private block(
    input: string,
    name: string,
    { alone, output }: { alone: boolean; output: string | undefined },
  ): string {
    const { graph, layout, shape, layers } = this;
    const { names } = layout;
    const { width, rows, hidden, gated, perceptron } = shape;
    const attended = this.attention(layers.normalize(input, name + names.norm1, width), name, alone);
    const kept = alone ? this.rows(this.first(this.images(input))) : input;
    const middle = graph.node('Add', [kept, this.scaled(attended, name + names.scale1)]);
    const normalized = layers.normalize(middle, name + names.norm2, width);
    const wide = perceptron.into.map((part) => layers.dense(normalized, name + part, width, rows));
    const active = gated ? this.gate(wide, hidden) : layers.activate(wide[0], this.activation);
    const narrow = layers.dense(active, name + perceptron.out, hidden, width);
    return graph.node('Add', [middle, this.scaled(narrow, name + names.scale2)], {}, output);
  }

  /** SwiGLU: SiLU of the first half of the channels, times the second. */
  private gate(wide: readonly string[], hidden: number): string {
    const [gate, factor] = wide.length === 2 ? wide : this.graph.split(wide[0], 1, [hidden, hidden]);
    return this.graph.node('Mul', [this.layers.activate(gate, 'silu'), factor]);
  }

  /** @param alone computes only the class token, which attends to all tokens */
  private attention(x: string, block: string, alone: boolean): string {
    const { graph, layers, layout, shape } = this;
    const { width, attentionBias: bias } = shape;
    const parts = layout.names.attention.map((part) => block + part);
    const projected =
      parts.length === 1
        ? graph.split(layers.dense(x, parts[0], width, 3 * width, bias), 1, [width, width, width])
        : parts.map((part) => layers.dense(x, part, width, width, bias));
    const [queries, keys, values] = projected.map((part) => this.images(part));
    const joined = graph.node(
      'com.microsoft.MultiHeadAttention',
      [alone ? this.first(queries) : queries, keys, values],
      { num_heads: this.options.heads },
    );
    return layers.dense(this.rows(joined), block + layout.names.projection, width, width);
  }

  private scaled(x: string, scale: string): string {
    const { layerScale, width } = this.shape;
    return layerScale ? this.graph.node('Mul', [x, this.layers.stored(scale, [width])]) : x;
  }

  private features(final: string): string {
    const { graph, layout, output, shape } = this;
    if (output === 'pooled') {
      const heads = this.options.poolerHeads;
      return poolTokens(this.layers, final, { layout, heads, width: shape.width, tokens: this.tokens });
    }
    if (output === 'mean') return this.mean(final, 'features');
    const named = output === 'cls' ? 'features' : undefined;
    const first = graph.node('Gather', [final, graph.constant([0], [], 'int64')], { axis: 1 }, named);
    if (output === 'cls') return first;
    return graph.node('Concat', [first, this.mean(final)], { axis: 1 }, 'features');
  }

  /**
   * Mean of the patch tokens: neither class token nor registers. A product with a row of weights, because
   * ReduceMean of ONNX Runtime sums in an order that depends on the other images of the batch.
   */
  private mean(final: string, output?: string): string {
    const { graph, tokens } = this;
    const { registers, width } = this.shape;
    const weights = new Float32Array(tokens).fill(1 / this.grid ** 2, 1 + registers);
    const mean = graph.node('MatMul', [graph.constant(weights, [1, tokens]), final]);
    return graph.node('Reshape', [mean, graph.constant([-1, width], [2], 'int64')], {}, output);
  }

  /** [n, tokens, width] to [n x tokens, width], the form in which matrices are multiplied. */
  private rows(x: string): string {
    return this.graph.node('Reshape', [x, this.graph.constant([-1, this.shape.width], [2], 'int64')]);
  }

  private images(x: string, output?: string): string {
    const shape = this.graph.constant([-1, this.tokens, this.shape.width], [3], 'int64');
    return this.graph.node('Reshape', [x, shape], {}, output);
  }

  /** [n, tokens, width] to [n, 1, width]: the class token. */
  private first(images: string): string {
    return this.graph.node('Gather', [images, this.graph.constant([0], [1], 'int64')], { axis: 1 });
  }
}

export function defaultOutput(layout: VitLayout): VitOutput {
  return layout.pooler === undefined ? 'cls' : 'pooled';
}

/**
 * Returns the length of the features.
 * @throws SamMilError UnsupportedFormat if they come from a pooler that the checkpoint does not have
 */
export function vitDim(
  weights: ModelWeights,
  layout: VitLayout,
  { width }: VitShape,
  output: VitOutput,
): number {
  if (output === 'pooled') return poolerDim(weights, layout);
  return output === 'cls+mean' ? 2 * width : width;
}
