import type { JsonObject } from '../../domain/json.js';
import { writeRandomResNet50 } from './random-resnet50.js';
import { RandomTensors } from './random-tensors.js';

interface RandomVit {
  width: number;
  depth: number;
  heads: number;
  patch: number;
  /** Rows of the first matrix of a perceptron; twice `columns` if it is gated. */
  rows: number;
  columns: number;
  registers: number;
  positions: number;
}

/** Sizes of vision transformers in timm's layout: UNI (`vit-l`), H-optimus (`vit-g`), and one for trials. */
export const RANDOM_VITS: Readonly<Record<string, RandomVit>> = {
  tiny: { width: 64, depth: 2, heads: 4, patch: 16, rows: 256, columns: 256, registers: 0, positions: 197 },
  'vit-l': {
    width: 1024,
    depth: 24,
    heads: 16,
    patch: 16,
    rows: 4096,
    columns: 4096,
    registers: 0,
    positions: 197,
  },
  'vit-g': {
    width: 1536,
    depth: 40,
    heads: 24,
    patch: 14,
    rows: 8192,
    columns: 4096,
    registers: 4,
    positions: 256,
  },
};

/** What an encoder file states about these weights, except their path. */
export function randomEncoder(network: string): JsonObject {
  if (network === 'resnet50') return { name: 'bench', architecture: 'resnet50' };
  const normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], resize: 'bilinear' };
  return {
    name: 'bench',
    architecture: 'vit',
    heads: RANDOM_VITS[network].heads,
    size: 224,
    ...normalization,
  };
}

/** Writes weights of full size for `resnet50` or a name of {@link RANDOM_VITS}: the same bytes each time. */
export function writeRandomWeights(network: string, path: string): void {
  if (network === 'resnet50') writeRandomResNet50(path);
  else writeRandomVit(RANDOM_VITS[network], path);
}

function writeRandomVit(sizes: RandomVit, path: string): void {
  const { width, depth, patch, rows, columns, registers, positions } = sizes;
  const tensors = new RandomTensors('random vision transformer');
  const put = tensors.put.bind(tensors);
  const linear = (name: string, to: number, from: number): void => {
    put(`${name}.weight`, [to, from], Math.sqrt(1 / from));
    put(`${name}.bias`, [to], 0.01);
  };
  const norm = (name: string): void => {
    put(`${name}.weight`, [width], 0.1, 1);
    put(`${name}.bias`, [width], 0.1);
  };
  put('cls_token', [1, 1, width], 0.5);
  if (registers > 0) put('reg_token', [1, registers, width], 0.5);
  put('pos_embed', [1, positions, width], 0.5);
  put('patch_embed.proj.weight', [width, 3, patch, patch], Math.sqrt(1 / (3 * patch * patch)));
  put('patch_embed.proj.bias', [width], 0.01);
  for (let index = 0; index < depth; index++) {
    const name = `blocks.${index}`;
    norm(`${name}.norm1`);
    linear(`${name}.attn.qkv`, 3 * width, width);
    linear(`${name}.attn.proj`, width, width);
    put(`${name}.ls1.gamma`, [width], 0.1, 0.5);
    norm(`${name}.norm2`);
    linear(`${name}.mlp.fc1`, rows, width);
    linear(`${name}.mlp.fc2`, width, columns);
    put(`${name}.ls2.gamma`, [width], 0.1, 0.5);
  }
  norm('norm');
  tensors.write(path);
}
