import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { digestOfFile, digestOfJson } from '../../../digest.js';
import { type Architecture, ARCHITECTURES } from './architectures.js';
import { checkpointSizes, openCheckpointEncoder } from './checkpoint-encoder.js';
import type { EncoderDefinition, EncoderInfo } from './encoder.js';
import {
  type CheckpointFile,
  type EncoderFile,
  type OnnxFile,
  parseEncoderFile,
} from './encoder-file-keys.js';
import { listEncoderFiles } from './encoder-parts.js';
import { openOnnxEncoder } from './onnx-encoder.js';

/**
 * Reads an encoder from a YAML or JSON file: an ONNX model with its size, mean, std and dim, or a checkpoint
 * with its architecture. The identity of the encoder includes the digest of the model and of all its weight
 * files.
 *
 * @throws SamMilError InvalidInput naming every key that is missing, unknown or malformed; WeightsMissing if
 * a file is missing; UnsupportedFormat if a file is not what the encoder file states
 */
export async function readEncoderFile(path: string): Promise<EncoderDefinition> {
  const file = parseEncoderFile(path);
  return 'onnx' in file ? onnxDefinition(path, file) : checkpointDefinition(path, file);
}

async function onnxDefinition(path: string, file: OnnxFile): Promise<EncoderDefinition> {
  const files = listEncoderFiles(path, file);
  const [model] = files;
  const info: EncoderInfo = {
    ...named(file),
    version: file.version,
    weightsDigest: await digestFiles(files),
    inputSize: file.size,
    resize: file.resize ?? 'bilinear',
    mean: file.mean,
    std: file.std,
    dim: file.dim,
  };
  return {
    info,
    bring: async () => undefined,
    open: (options) =>
      openOnnxEncoder(info, { path: model, input: file.input, output: file.output }, options),
  };
}

async function checkpointDefinition(path: string, file: CheckpointFile): Promise<EncoderDefinition> {
  const { architecture, headWidth } = file;
  const files = listEncoderFiles(path, file);
  const checkpoint = { architecture, path: files[0], headWidth };
  const { defaults, version } = ARCHITECTURES[architecture] as Architecture;
  const weightsDigest = await digestFiles(files);
  const { dim, size } = checkpointSizes(checkpoint);
  const info: EncoderInfo = {
    ...named(file),
    version: file.version,
    weightsDigest,
    architecture: { name: architecture, version, 'head-width': headWidth ?? null },
    inputSize: file.size ?? size ?? defaults.inputSize,
    resize: file.resize ?? defaults.resize,
    mean: file.mean ?? defaults.mean,
    std: file.std ?? defaults.std,
    dim: file.dim ?? dim,
  };
  return {
    info,
    bring: async () => undefined,
    open: (options) => openCheckpointEncoder(info, checkpoint, options),
  };
}

function named({ name, license, note }: EncoderFile): Pick<EncoderInfo, 'name' | 'license' | 'note'> {
  return { name, license, note };
}

/** Digests by path and stamp, cached because models are large and the cache key of every item needs them. */
const digests = new Map<string, string>();

async function digestFiles(files: readonly string[]): Promise<string> {
  const entries: [string, string][] = [];
  for (const file of files) entries.push([basename(file), await stampedDigest(file)]);
  return entries.length === 1 ? entries[0][1] : digestOfJson(Object.fromEntries(entries));
}

async function stampedDigest(file: string): Promise<string> {
  const { size, mtimeNs, ino } = statSync(file, { bigint: true });
  const stamp = `${file}\n${size}\n${mtimeNs}\n${ino}`;
  const digest = digests.get(stamp) ?? (await digestOfFile(file));
  digests.set(stamp, digest);
  return digest;
}
