import { writeSafetensors } from '../../domain/files/safetensors.js';
import { countElements, type Tensor } from '../../domain/files/tensor.js';
import { RandomStream } from '../../domain/random.js';

/**
 * Writes a vision transformer with timm's names (class token, no LayerScale, plain perceptrons) and random
 * weights: the same bytes each time. ViT-S/16 of full size has 12 blocks, width 384 and 87 MB.
 */
export function writeRandomVit(
  path: string,
  {
    blocks = 12,
    width = 384,
    patch = 16,
    grid = 14,
  }: Partial<Record<'blocks' | 'width' | 'patch' | 'grid', number>> = {},
): void {
  const tensors: Record<string, Tensor> = {};
  const random = new RandomStream('random vision transformer');
  const add = (name: string, shape: number[], value: () => number): void => {
    tensors[name] = { dtype: 'float32', shape, data: new Float32Array(countElements(shape)).map(value) };
  };
  const linear = (name: string, to: number, from: number, ...rest: number[]): void => {
    add(`${name}.weight`, [to, from, ...rest], () => 0.04 * random.uniform() - 0.02);
    add(`${name}.bias`, [to], () => 0);
  };
  const norm = (name: string): void => {
    add(`${name}.weight`, [width], () => 1);
    add(`${name}.bias`, [width], () => 0);
  };
  add('cls_token', [1, 1, width], () => random.uniform() - 0.5);
  add('pos_embed', [1, 1 + grid * grid, width], () => random.uniform() - 0.5);
  linear('patch_embed.proj', width, 3, patch, patch);
  for (let block = 0; block < blocks; block++) {
    const name = `blocks.${block}`;
    norm(`${name}.norm1`);
    linear(`${name}.attn.qkv`, 3 * width, width);
    linear(`${name}.attn.proj`, width, width);
    norm(`${name}.norm2`);
    linear(`${name}.mlp.fc1`, 4 * width, width);
    linear(`${name}.mlp.fc2`, width, 4 * width);
  }
  norm('norm');
  writeSafetensors(path, tensors);
}
