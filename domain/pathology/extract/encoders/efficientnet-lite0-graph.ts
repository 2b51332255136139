import { SamMilError } from '../../../errors.js';
import type { TensorLayout } from '../../../files/torch/torch-layout.js';
import { OnnxGraph } from '../../../machine/onnx/onnx-graph.js';

export const LITE0_DIM = 1280;
const CLASSES = 1000;

/** Epsilon of batch normalization in the TensorFlow original. */
const EPSILON = 1e-3;

/**
 * The seven groups of inverted residual blocks in EfficientNet-B0, which Lite0 keeps (Tan and Le,
 * "EfficientNet", ICML 2019, table 1): repeats, kernel of the depthwise convolution, stride of the first
 * block, expansion, output channels.
 */
const GROUPS = [
  { repeats: 1, kernel: 3, stride: 1, expansion: 1, channels: 16 },
  { repeats: 2, kernel: 3, stride: 2, expansion: 6, channels: 24 },
  { repeats: 2, kernel: 5, stride: 2, expansion: 6, channels: 40 },
  { repeats: 3, kernel: 3, stride: 2, expansion: 6, channels: 80 },
  { repeats: 3, kernel: 5, stride: 1, expansion: 6, channels: 112 },
  { repeats: 4, kernel: 5, stride: 2, expansion: 6, channels: 192 },
  { repeats: 1, kernel: 3, stride: 1, expansion: 6, channels: 320 },
] as const;

/** A checkpoint's tensors by name. */
export type Weights = ReadonlyMap<string, TensorLayout>;

/**
 * Builds EfficientNet-Lite0 as an ONNX graph: `image` float32 [n, 3, size, size], normalized, to `features`
 * [n, 1280] (global mean of the last activation) and `logits` [n, 1000]. Lite0 differs from B0 in three ways:
 * ReLU6 instead of swish, no squeeze-and-excitation, and an unscaled stem and head. Convolutions use
 * TensorFlow's SAME padding: with stride 2 on an even size, the extra pixel is at the right and bottom.
 * @throws SamMilError UnsupportedFormat naming the tensor that is missing or has the wrong shape
 */
export function efficientNetLite0Graph(weights: Weights, size: number): Uint8Array {
  const builder = new Lite0Builder(weights, size);
  return builder.build();
}

class Lite0Builder {
  private readonly graph = new OnnxGraph('efficientnet-lite0');
  private readonly weights: Weights;
  /** Side of the input square of the next layer. */
  private side: number;

  constructor(weights: Weights, size: number) {
    this.weights = weights;
    this.side = size;
  }

  build(): Uint8Array {
    const { graph } = this;
    let x = graph.input('image', ['n', 3, this.side, this.side]);
    x = this.relu6(this.convolve(x, '_conv_stem', '_bn0', { kernel: 3, stride: 2 }));
    let block = 0;
    let channels = 32;
    for (const group of GROUPS) {
      for (let repeat = 0; repeat < group.repeats; repeat++) {
        const stride = repeat === 0 ? group.stride : 1;
        x = this.block(x, `_blocks.${block++}.`, { ...group, stride, from: channels });
        channels = group.channels;
      }
    }
    x = this.relu6(this.convolve(x, '_conv_head', '_bn1', { kernel: 1, stride: 1 }));
    const mean = graph.node('GlobalAveragePool', [x]);
    const features = graph.node('Flatten', [mean], { axis: 1 }, 'features');
    graph.output(features, ['n', LITE0_DIM]);
    const dense = [this.weight('_fc.weight', [CLASSES, LITE0_DIM]), this.weight('_fc.bias', [CLASSES])];
    graph.output(graph.node('Gemm', [features, ...dense], { transB: 1 }, 'logits'), ['n', CLASSES]);
    return graph.encode();
  }

  /**
   * Inverted residual: widen by a 1 x 1 convolution, filter each channel, narrow; added to the input if the
   * shapes match.
   */
  private block(
    input: string,
    prefix: string,
    shape: { kernel: number; stride: number; expansion: number; from: number; channels: number },
  ): string {
    let x = input;
    if (shape.expansion !== 1) {
      x = this.relu6(this.convolve(x, `${prefix}_expand_conv`, `${prefix}_bn0`, { kernel: 1, stride: 1 }));
    }
    const groups = shape.from * shape.expansion;
    const { kernel, stride } = shape;
    x = this.relu6(this.convolve(x, `${prefix}_depthwise_conv`, `${prefix}_bn1`, { kernel, stride, groups }));
    x = this.convolve(x, `${prefix}_project_conv`, `${prefix}_bn2`, { kernel: 1, stride: 1 });
    return stride === 1 && shape.from === shape.channels ? this.graph.node('Add', [x, input]) : x;
  }

  private convolve(
    x: string,
    name: string,
    norm: string,
    shape: { kernel: number; stride: number; groups?: number },
  ): string {
    const { kernel, stride, groups = 1 } = shape;
    const outSide = Math.ceil(this.side / stride);
    const padding = Math.max(0, (outSide - 1) * stride + kernel - this.side);
    const before = padding >> 1;
    const after = padding - before;
    this.side = outSide;
    const convolved = this.graph.node('Conv', [x, this.weight(`${name}.weight`)], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [before, before, after, after],
      group: groups,
    });
    const parameters = ['weight', 'bias', 'running_mean', 'running_var'];
    return this.graph.node(
      'BatchNormalization',
      [convolved, ...parameters.map((parameter) => this.weight(`${norm}.${parameter}`))],
      { epsilon: { float: EPSILON } },
    );
  }

  private relu6(x: string): string {
    return this.graph.node('Clip', [x, this.graph.constant([0], []), this.graph.constant([6], [])]);
  }

  private weight(name: string, shape?: readonly number[]): string {
    const tensor = this.weights.get(name);
    if (tensor === undefined || (shape && String(shape) !== String(tensor.shape))) {
      throw new SamMilError('UnsupportedFormat', `the checkpoint has no matching tensor ${name}`, {
        expected: shape ? `shape [${shape.join(', ')}]` : 'an EfficientNet-Lite0 checkpoint',
        found: tensor ? `[${tensor.shape.join(', ')}]` : 'no tensor with this name',
      });
    }
    return this.graph.stored(name, tensor);
  }
}
