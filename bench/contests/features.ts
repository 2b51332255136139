import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Contest, Limit } from '../compare.js';
import { ours, peer, slide } from './commands.js';

/** Made by our side if it is missing. Both sides read it. */
function weights(network: string): string {
  return join(tmpdir(), 'sam-mil-bench', `random-${network}.safetensors`);
}

const threads = 2;
/** As many batches of 32 as PyTorch processes in a minute. */
const patches = 96;

/** Reading and encoding patches. */
export const contests: (Contest | Limit)[] = [
  {
    name: 'tiles 256 px, all cores vs. one thread',
    unit: 'tiles/s',
    ours: ours('decode', slide, 256, 10, 0),
    peer: ours('decode', slide, 256, 10, 1),
    rounds: 5,
    bar: 1.7,
  },
  {
    name: 'ResNet-50, patches of 512 px end to end',
    unit: 'patches/s',
    ours: ours('encoder', slide, 'resnet50', weights('resnet50'), 512, patches, threads),
    peer: peer('encoder', slide, 'resnet50', weights('resnet50'), 512, patches, threads),
    rounds: 3,
    bar: 1.5,
  },
  {
    name: 'two small encoders, 512 px, one reading vs. two',
    unit: 'patches/s',
    ours: ours('two-encoders', slide, 'one', 512, 400, threads),
    peer: ours('two-encoders', slide, 'two', 512, 400, threads),
    rounds: 3,
    bar: 1.25,
  },
  {
    name: 'ViT-L/16, patches of 256 px end to end',
    unit: 'patches/s',
    ours: ours('encoder', slide, 'vit-l', weights('vit-l'), 256, 32, threads),
    peer: peer('encoder', slide, 'vit-l', weights('vit-l'), 256, 32, threads),
    rounds: 3,
    bar: 1.3,
  },
  {
    name: 'extraction memory, 20,000 patches x 1024',
    unit: 'MB',
    ours: ours('extract-memory', slide, 256, 20_000, 'peak'),
    rounds: 1,
    atMost: 700,
  },
  {
    name: 'extraction memory, growth after first quarter',
    unit: 'MB',
    ours: ours('extract-memory', slide, 256, 20_000, 'growth'),
    rounds: 1,
    atMost: 50,
  },
  {
    name: 'memory of loading ViT-L/16, times the file',
    unit: '',
    ours: ours('vit-memory', weights('vit-l')),
    rounds: 1,
    atMost: 1.2,
  },
];
