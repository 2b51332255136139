import { writeSafetensors } from '../../domain/files/safetensors.js';
import { countElements, type Tensor } from '../../domain/files/tensor.js';
import { RandomStream } from '../../domain/random.js';

/** Blocks and width of each stage of a ResNet-50 up to its third. */
const STAGES = [
  { name: 'layer1', blocks: 3, width: 64 },
  { name: 'layer2', blocks: 4, width: 128 },
  { name: 'layer3', blocks: 6, width: 256 },
];

/**
 * Writes a ResNet-50 of full size up to its third stage (34 MB, torchvision's names) with weights drawn by
 * He's rule from a seeded stream: the same bytes each time.
 */
export function writeRandomResNet50(path: string): void {
  const tensors: Record<string, Tensor> = {};
  const random = new RandomStream('random ResNet-50');
  const convolution = (name: string, shape: number[]): void => {
    const bound = Math.sqrt(6 / countElements(shape.slice(1)));
    const data = new Float32Array(countElements(shape));
    for (let i = 0; i < data.length; i++) data[i] = bound * (2 * random.uniform() - 1);
    tensors[`${name}.weight`] = { dtype: 'float32', shape, data };
  };
  /** `scale` below 1 keeps sums over many blocks small. */
  const norm = (name: string, channels: number, scale = 1): void => {
    const filled = (value: (channel: number) => number): Tensor => ({
      dtype: 'float32',
      shape: [channels],
      data: Float32Array.from({ length: channels }, (_, channel) => value(channel)),
    });
    tensors[`${name}.weight`] = filled(() => scale);
    tensors[`${name}.bias`] = filled(() => 0.2 * random.uniform() - 0.1);
    tensors[`${name}.running_mean`] = filled(() => 0.2 * random.uniform() - 0.1);
    tensors[`${name}.running_var`] = filled(() => 0.8 + 0.4 * random.uniform());
  };
  convolution('conv1', [64, 3, 7, 7]);
  norm('bn1', 64);
  let channels = 64;
  for (const { name, blocks, width } of STAGES) {
    for (let block = 0; block < blocks; block++) {
      const prefix = `${name}.${block}`;
      convolution(`${prefix}.conv1`, [width, channels, 1, 1]);
      norm(`${prefix}.bn1`, width);
      convolution(`${prefix}.conv2`, [width, width, 3, 3]);
      norm(`${prefix}.bn2`, width);
      convolution(`${prefix}.conv3`, [4 * width, width, 1, 1]);
      norm(`${prefix}.bn3`, 4 * width, 0.3);
      if (block === 0) {
        convolution(`${prefix}.downsample.0`, [4 * width, channels, 1, 1]);
        norm(`${prefix}.downsample.1`, 4 * width, 0.5);
      }
      channels = 4 * width;
    }
  }
  writeSafetensors(path, tensors);
}
