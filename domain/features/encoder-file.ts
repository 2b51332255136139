import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { digestOfFile, digestOfJson } from '../digest.js';
import { SamMilError } from '../errors.js';
import { externalFilesOf } from '../onnx/onnx-graph.js';
import { type Architecture, ARCHITECTURES, type ArchitectureName } from './architectures.js';
import { checkpointSizes, openCheckpointEncoder } from './checkpoint-encoder.js';
import type { EncoderDefinition, EncoderInfo, Triple } from './encoder.js';
import { type EncoderFile, parseEncoderFile } from './encoder-file-keys.js';
import { openOnnxEncoder } from './onnx-encoder.js';

/**
 * Reads an encoder from a YAML or JSON file: an ONNX model with its size, mean, std and dim, or a checkpoint with the architecture that it is of. The
 * digest of the model and of all files that its weights lie in is taken, so they are part of what the encoder is.
 *
 * @throws SamMilError `InvalidInput` naming every key that is missing, unknown or malformed; `WeightsMissing` where a file is not there;
 *   `UnsupportedFormat` where it is not what the encoder file says
 */
export async function readEncoderFile(path: string): Promise<EncoderDefinition> {
  const file = parseEncoderFile(path);
  return file.architecture === undefined ? onnxDefinition(path, file) : checkpointDefinition(path, file);
}

async function onnxDefinition(path: string, file: EncoderFile): Promise<EncoderDefinition> {
  const model = beside(path, file.onnx as string);
  const info: EncoderInfo = {
    ...named(file),
    version: file.version,
    weightsDigest: await digestOfModel(model, path),
    inputSize: file.size as number,
    resize: file.resize ?? 'bilinear',
    mean: file.mean as Triple,
    std: file.std as Triple,
    dim: file.dim as number,
  };
  return {
    info,
    bring: async () => undefined,
    open: (options) =>
      openOnnxEncoder(info, { path: model, input: file.input, output: file.output }, options),
  };
}

async function checkpointDefinition(path: string, file: EncoderFile): Promise<EncoderDefinition> {
  const architecture = file.architecture as ArchitectureName;
  const checkpoint = {
    architecture,
    path: beside(path, file.weights as string),
    headWidth: file['head-width'],
  };
  const { defaults, version } = ARCHITECTURES[architecture] as Architecture;
  const weightsDigest = await stampedDigest(checkpoint.path, path);
  const { dim, size } = checkpointSizes(checkpoint);
  const info: EncoderInfo = {
    ...named(file),
    version: file.version,
    weightsDigest,
    architecture: { name: architecture, version, 'head-width': checkpoint.headWidth ?? null },
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

function named({ name, licence, note }: EncoderFile): Pick<EncoderInfo, 'name' | 'licence' | 'note'> {
  return { name, licence, note };
}

function beside(encoderFile: string, path: string): string {
  return resolve(dirname(resolve(encoderFile)), path);
}

/** Digests by path and stamp: models are large, and the key of every item asks for it. */
const digests = new Map<string, string>();

async function digestOfModel(model: string, encoderFile: string): Promise<string> {
  const external = externalFilesOf(readModel(model, encoderFile), model);
  const files = [model, ...external.map((name) => join(dirname(model), name))];
  const entries: [string, string][] = [];
  for (const file of files) entries.push([basename(file), await stampedDigest(file, encoderFile)]);
  return entries.length === 1 ? entries[0][1] : digestOfJson(Object.fromEntries(entries));
}

async function stampedDigest(file: string, encoderFile: string): Promise<string> {
  const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
  if (!stats) throw missing(file, encoderFile);
  const stamp = `${file}\n${stats.size}\n${stats.mtimeNs}\n${stats.ino}`;
  const digest = digests.get(stamp) ?? (await digestOfFile(file));
  digests.set(stamp, digest);
  return digest;
}

function readModel(model: string, encoderFile: string): Uint8Array {
  try {
    return readFileSync(model);
  } catch (cause) {
    throw missing(model, encoderFile, cause);
  }
}

function missing(file: string, encoderFile: string, cause?: unknown): SamMilError {
  return new SamMilError(
    'WeightsMissing',
    'the model of this encoder, or a file that its weights lie in, is missing',
    {
      file: encoderFile,
      expected: file,
      next: `bring that file, or correct \`onnx\` or \`weights\` in ${encoderFile}`,
      cause,
    },
  );
}
