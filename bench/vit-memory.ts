/**
 * Memory of loading a checkpoint with the shape of UNI (ViT-L/16, 1.2 GB in float32) with random weights.
 * Prints the peak of the process divided by the size of the file. Argument: the path of the checkpoint, which
 * is written if it is missing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeSafetensors } from '../domain/files/safetensors.js';
import type { Tensor } from '../domain/files/tensor.js';
import { openCheckpointEncoder } from '../domain/pathology/extract/encoders/checkpoint-encoder.js';
import type { EncoderInfo } from '../domain/pathology/extract/encoders/encoder.js';

const [WIDTH, DEPTH, PATCH] = [1024, 24, 16];
const [path, part] = process.argv.slice(2);

/** Every matrix differs: ONNX Runtime keeps equal ones only once. */
function write(): void {
  const tensors: Record<string, Tensor> = {};
  let seed = 1;
  const add = (name: string, ...shape: number[]): void => {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
    for (let i = 0; i < data.length; i++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
      data[i] = seed / 2 ** 36;
    }
    tensors[name] = { dtype: 'float32', shape, data };
  };
  const both = (name: string, ...shape: number[]): void => {
    add(`${name}.weight`, ...shape);
    add(`${name}.bias`, shape[0]);
  };
  add('cls_token', 1, 1, WIDTH);
  add('pos_embed', 1, 1 + 14 * 14, WIDTH);
  both('patch_embed.proj', WIDTH, 3, PATCH, PATCH);
  for (let block = 0; block < DEPTH; block++) {
    const name = `blocks.${block}`;
    for (const norm of ['norm1', 'norm2']) both(`${name}.${norm}`, WIDTH);
    for (const scale of ['ls1', 'ls2']) add(`${name}.${scale}.gamma`, WIDTH);
    both(`${name}.attn.qkv`, 3 * WIDTH, WIDTH);
    both(`${name}.attn.proj`, WIDTH, WIDTH);
    both(`${name}.mlp.fc1`, 4 * WIDTH, WIDTH);
    both(`${name}.mlp.fc2`, WIDTH, 4 * WIDTH);
  }
  both('norm', WIDTH);
  mkdirSync(dirname(path), { recursive: true });
  writeSafetensors(path, tensors);
}

async function load(): Promise<void> {
  const info: EncoderInfo = {
    name: 'uni-shape',
    version: 1,
    weightsDigest: null,
    inputSize: 224,
    resize: 'bilinear',
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    dim: WIDTH,
    license: '',
    note: '',
  };
  const encoder = await openCheckpointEncoder(
    info,
    { architecture: 'vit', path, vit: { heads: 16 } },
    { device: 'cpu' },
  );
  const peak = process.resourceUsage().maxRSS * 1024;
  await encoder.encode(new Uint8Array(224 * 224 * 3).fill(200), 1);
  await encoder.close();
  console.log(JSON.stringify({ value: peak / statSync(path).size, peak }));
}

if (part === 'write') write();
else {
  // In a process of its own, because writing takes more memory than loading.
  if (!existsSync(path)) spawnSync(process.execPath, [fileURLToPath(import.meta.url), path, 'write']);
  await load();
}
