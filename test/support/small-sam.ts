import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfFile } from '../../domain/digest.js';
import { openSamModel } from '../../domain/pathology/segment/sam/network/open-sam-model.js';
import type { SamModel } from '../../domain/pathology/segment/sam/network/sam-model.js';
import type { ImageToSegment } from '../../domain/pathology/segment/segmenter/segmenter.js';
import { decodeImage } from '../../domain/pathology/slides/images.js';
import { fixture } from './fixtures.js';

const FILE = 'sam_small.safetensors';
const DECODER_HEADS = 4;

/** The small SAM, a copy in `folder`: its graphs are written next to it. */
export async function openSmallSam(folder: string): Promise<SamModel> {
  const path = join(folder, FILE);
  copyFileSync(fixture(`sam/${FILE}`), path);
  const weights = { path, folder, digest: await digestOfFile(path), decoderHeads: DECODER_HEADS };
  return openSamModel(weights, { device: 'cpu', threads: 2 });
}

/**
 * Writes the small SAM's checkpoint and the YAML file that registers it into a folder. Returns the YAML
 * file's path.
 */
export function writeSmallSam(folder: string, changes: Record<string, unknown> = {}): string {
  copyFileSync(fixture(`sam/${FILE}`), join(folder, FILE));
  const path = join(folder, 'small-sam.yaml');
  const file = { name: 'small-sam', architecture: 'sam', weights: FILE, 'decoder-heads': DECODER_HEADS };
  writeFileSync(path, JSON.stringify({ ...file, ...changes }));
  return path;
}

/** The picture that the original was run on: 420 x 300. */
export async function samImage(): Promise<ImageToSegment> {
  const { data, width, height } = await decodeImage(fixture('sam/image.png'));
  return { rgb: Uint8Array.from(data), width, height };
}
