import type { TensorLayout } from '../../../files/torch/torch-layout.js';
import { ANY, ModelWeights } from '../../../machine/onnx/model-weights.js';
import { OnnxGraph } from '../../../machine/onnx/onnx-graph.js';

/** Default of PyTorch, which the ResNets of torchvision and timm keep. */
const EPSILON = 1e-5;

/** Bottleneck blocks in the first three stages of ResNet-50 (He et al., CVPR 2016, table 1). */
const STAGES = [
  { name: 'layer1', blocks: 3, stride: 1 },
  { name: 'layer2', blocks: 4, stride: 2 },
  { name: 'layer3', blocks: 6, stride: 2 },
] as const;

export interface ResNet50Options {
  /** Side of the square patches. */
  size: number;
  /**
   * Adds each block as an output under its checkpoint name (`layer2.0`), for comparison with the original.
   */
  stages?: boolean;
}

/**
 * Builds ResNet-50, truncated after its third stage, as an ONNX graph: `image` float32 [n, 3, size, size],
 * normalized, to `features` [n, 1024] (global mean). It is the encoder of CLAM and SAM-MIL. Names follow
 * torchvision and timm; as there, the 3 x 3 convolution has the stride ("ResNet v1.5"). Channels come from
 * the tensors; `layer4` and `fc` are ignored.
 *
 * @param tensors a checkpoint's tensors by name, see `tensorLayout`
 * @throws SamMilError UnsupportedFormat naming the tensor that is missing or has the wrong shape
 */
export function buildResNet50(
  tensors: ReadonlyMap<string, TensorLayout>,
  options: ResNet50Options,
): Uint8Array {
  return new ResNet50Builder(tensors, options).build();
}

/**
 * Returns the feature length of a checkpoint, 1024 for the published ones.
 * @throws SamMilError as {@link buildResNet50}
 */
export function resNet50Dim(tensors: ReadonlyMap<string, TensorLayout>): number {
  return modelWeights(tensors).tensor('layer3.0.conv3.weight', [ANY, ANY, 1, 1]).shape[0];
}

function modelWeights(tensors: ReadonlyMap<string, TensorLayout>): ModelWeights {
  return new ModelWeights(tensors, "ResNet-50 with torchvision's or timm's names", 'layer1.0.conv1.weight');
}

class ResNet50Builder {
  private readonly graph = new OnnxGraph('resnet50');
  private readonly weights: ModelWeights;
  private readonly options: ResNet50Options;

  constructor(tensors: ReadonlyMap<string, TensorLayout>, options: ResNet50Options) {
    this.weights = modelWeights(tensors);
    this.options = options;
  }

  build(): Uint8Array {
    const { graph } = this;
    const { size } = this.options;
    let channels = this.weights.tensor('conv1.weight', [ANY, 3, 7, 7]).shape[0];
    let x = graph.input('image', ['n', 3, size, size]);
    x = this.convolve(x, 'conv1', { kernel: 7, stride: 2, from: 3, to: channels });
    x = this.normalize(x, 'bn1', channels, 'bn1');
    x = graph.node(
      'MaxPool',
      [graph.node('Relu', [x])],
      {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 1, 1],
      },
      'maxpool',
    );
    this.show(x);
    for (const { name, blocks, stride } of STAGES) {
      this.refuseFurther(`${name}.${blocks}`);
      for (let block = 0; block < blocks; block++) {
        [x, channels] = this.bottleneck(x, `${name}.${block}`, channels, block === 0 ? stride : 1);
      }
    }
    const features = graph.node('Flatten', [graph.node('GlobalAveragePool', [x])], { axis: 1 }, 'features');
    graph.output(features, ['n', channels]);
    return graph.encode();
  }

  /**
   * Narrows by a 1 x 1 convolution, filters, widens, and adds the input, projected in the first block of a
   * stage. Returns the output and its channels.
   */
  private bottleneck(input: string, name: string, from: number, stride: number): [string, number] {
    const width = this.weights.tensor(`${name}.conv1.weight`, [ANY, from, 1, 1]).shape[0];
    const to = this.weights.tensor(`${name}.conv3.weight`, [ANY, width, 1, 1]).shape[0];
    let x = this.convolve(input, `${name}.conv1`, { kernel: 1, stride: 1, from, to: width });
    x = this.graph.node('Relu', [this.normalize(x, `${name}.bn1`, width)]);
    x = this.convolve(x, `${name}.conv2`, { kernel: 3, stride, from: width, to: width });
    x = this.graph.node('Relu', [this.normalize(x, `${name}.bn2`, width)]);
    x = this.convolve(x, `${name}.conv3`, { kernel: 1, stride: 1, from: width, to });
    x = this.normalize(x, `${name}.bn3`, to);
    let shortcut = input;
    if (stride !== 1 || from !== to) {
      shortcut = this.convolve(input, `${name}.downsample.0`, { kernel: 1, stride, from, to });
      shortcut = this.normalize(shortcut, `${name}.downsample.1`, to);
    }
    const output = this.graph.node('Relu', [this.graph.node('Add', [x, shortcut])], {}, name);
    this.show(output);
    return [output, to];
  }

  private convolve(
    x: string,
    name: string,
    { kernel, stride, from, to }: { kernel: number; stride: number; from: number; to: number },
  ): string {
    const before = kernel >> 1;
    return this.graph.node('Conv', [x, this.stored(`${name}.weight`, [to, from, kernel, kernel])], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [before, before, before, before],
    });
  }

  /**
   * Batch normalization with training statistics, which ONNX Runtime folds into the preceding convolution.
   */
  private normalize(x: string, name: string, channels: number, output?: string): string {
    const parameters = ['weight', 'bias', 'running_mean', 'running_var'].map((parameter) =>
      this.stored(`${name}.${parameter}`, [channels]),
    );
    const value = this.graph.node(
      'BatchNormalization',
      [x, ...parameters],
      { epsilon: { float: EPSILON } },
      output,
    );
    if (output !== undefined) this.show(output);
    return value;
  }

  private stored(name: string, shape: readonly number[]): string {
    return this.graph.stored(name, this.weights.tensor(name, shape));
  }

  private show(value: string): void {
    if (this.options.stages)
      this.graph.output(value, ['n', `channels of ${value}`, `h of ${value}`, `w of ${value}`]);
  }

  /**
   * Refuses deeper ResNets, which have the same tensors and more; run as ResNet-50, they would give wrong
   * features.
   */
  private refuseFurther(block: string): void {
    if (!this.weights.has(`${block}.conv1.weight`)) return;
    throw this.weights.refusal('belongs to a deeper network', {
      expected: `no tensor ${block}.conv1.weight, as in ${this.weights.architecture}`,
      found: 'this tensor',
    });
  }
}
