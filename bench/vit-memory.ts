/**
 * Memory of loading a checkpoint with the shape of UNI (ViT-L/16, 1.2 GB in float32) with random weights.
 * Prints the peak of the process divided by the size of the file. Arguments: the path of the checkpoint,
 * which is written if it is missing, and optionally fp16 or bf16, to which the weights are converted.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCheckpointEncoder } from '../domain/pathology/extract/encoders/checkpoint-encoder.js';
import type { EncoderInfo } from '../domain/pathology/extract/encoders/encoder.js';
import { writeRandomWeights } from '../test/support/random-encoders.js';

const [path, part] = process.argv.slice(2);
const precision = part === 'fp16' || part === 'bf16' ? part : undefined;

async function load(): Promise<void> {
  const info: EncoderInfo = {
    name: 'uni-shape',
    version: 1,
    weightsDigest: null,
    inputSize: 224,
    resize: 'bilinear',
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    dim: 1024,
    license: '',
    note: '',
  };
  const encoder = await openCheckpointEncoder(
    info,
    { architecture: 'vit', path, vit: { heads: 16 } },
    { device: 'cpu', ...(precision && { precision }) },
  );
  const peak = process.resourceUsage().maxRSS * 1024;
  await encoder.encode(new Uint8Array(224 * 224 * 3).fill(200), 1);
  await encoder.close();
  console.log(JSON.stringify({ value: peak / statSync(path).size, peak }));
}

if (part === 'write') {
  mkdirSync(dirname(path), { recursive: true });
  writeRandomWeights('vit-l', path);
} else {
  // In a process of its own, because writing takes more memory than loading.
  if (!existsSync(path)) spawnSync(process.execPath, [fileURLToPath(import.meta.url), path, 'write']);
  await load();
}
