import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { readSafetensors, writeSafetensors } from '../../domain/files/safetensors.js';
import type { Tensor } from '../../domain/files/tensor.js';
import type { OpenEncoder } from '../../domain/pathology/extract/encoders/encoder.js';
import { findEncoder } from '../../domain/pathology/extract/encoders/encoders.js';
import { decodeImage } from '../../domain/pathology/slides/images.js';
import { fixture } from './fixtures.js';
import { readFloatNpy } from './npy.js';
import { temporaryFolder } from './temporary-folder.js';

export type Tensors = Record<string, Tensor>;

/** One checkpoint at one image size, and what the library that published its layout computes from it. */
export interface VitCase {
  variant: string;
  checkpoint: string;
  case: string;
  size: number;
  output: string;
  mean: [number, number, number];
  std: [number, number, number];
  heads: number;
  'pooler-heads'?: number;
  features: string;
  stages: Record<string, string>;
  'by-factor'?: string;
  images: string[];
}

export const VIT_CASES = JSON.parse(readFileSync(fixture('vit/cases.json'), 'utf8')) as VitCase[];

/** The keys of an encoder file for a case. What config.json states is left out. */
export function encoderKeys(one: VitCase): Record<string, unknown> {
  const { variant, checkpoint, size, output, mean, std, heads } = one;
  const stated = existsSync(fixture('vit', variant, 'config.json'));
  return {
    name: variant,
    architecture: 'vit',
    weights: fixture('vit', variant, checkpoint),
    size,
    output,
    mean,
    std,
    ...(!stated && { heads }),
    ...(one['pooler-heads'] !== undefined && { 'pooler-heads': one['pooler-heads'] }),
  };
}

/** The patches of a case, as `encode` takes them. */
export async function patchesOf(images: readonly string[]): Promise<Uint8Array> {
  const pixels = await Promise.all(images.map((image) => decodeImage(fixture('vit/inputs', image))));
  return Buffer.concat(pixels.map(({ data }) => data));
}

export function expectedValues(variant: string, file: string): Float32Array {
  return readFloatNpy(fixture('vit', variant, file)).data;
}

export async function openVit(
  context: TestContext,
  keys: Record<string, unknown>,
  threads = 1,
): Promise<OpenEncoder> {
  const path = join(temporaryFolder(context), 'encoder.json');
  writeFileSync(path, JSON.stringify(keys));
  const encoder = await (await findEncoder(path)).open({ device: 'cpu', threads });
  context.after(() => encoder.close());
  return encoder;
}

/** A copy of a small checkpoint with its config.json, after a change. Returns the path of the copy. */
export function changedVit(context: TestContext, source: string, change: (tensors: Tensors) => void): string {
  const folder = temporaryFolder(context);
  const original = fixture('vit', source);
  const tensors: Tensors = { ...readSafetensors(original).tensors };
  change(tensors);
  const path = join(folder, basename(original));
  writeSafetensors(path, tensors);
  const config = join(dirname(original), 'config.json');
  if (existsSync(config)) copyFileSync(config, join(folder, 'config.json'));
  return path;
}

export function largestDifference(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Infinity;
  return found.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i])), 0);
}
