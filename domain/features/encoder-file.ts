import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { digestOfFile, digestOfJson } from '../digest.js';
import { SamMilError } from '../errors.js';
import { isJsonObject } from '../json.js';
import type { EncoderDefinition, EncoderInfo, Triple } from './encoder.js';
import { openOnnxEncoder } from './onnx-encoder.js';
import { externalFilesOf } from '../onnx/onnx-graph.js';

/** A person's own encoder: `{ name, onnx, size, mean, std, dim }` and, where they differ from the defaults, the rest. */
interface EncoderFile {
  name: string;
  version: number;
  /** Path of the model; relative paths start at the encoder file. */
  onnx: string;
  input?: string;
  output?: string;
  size: number;
  resize: 'bilinear' | 'bicubic';
  mean: Triple;
  std: Triple;
  dim: number;
  licence: string;
  note: string;
}

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string' && value !== '';
const isCount: Check = (value) => Number.isInteger(value) && (value as number) > 0;
const isTriple: Check = (value) =>
  Array.isArray(value) && value.length === 3 && value.every((one) => Number.isFinite(one));

/** Every key: what it must be, in words and as a check, and its default (`undefined`: may be absent; no `otherwise`: required). */
const KEYS: Record<keyof EncoderFile, { is: string; check: Check; otherwise?: unknown; optional?: true }> = {
  name: { is: 'a name', check: isText },
  version: { is: 'a whole number from 1', check: isCount, otherwise: 1, optional: true },
  onnx: { is: 'path of an .onnx file', check: isText },
  input: { is: "name of the model's image input", check: isText, optional: true },
  output: { is: "name of the model's feature output", check: isText, optional: true },
  size: { is: 'side of the patches in pixels', check: isCount },
  resize: {
    is: 'bilinear or bicubic',
    check: (value) => value === 'bilinear' || value === 'bicubic',
    otherwise: 'bilinear',
    optional: true,
  },
  mean: { is: 'three numbers (red, green, blue; of values 0 to 1)', check: isTriple },
  std: {
    is: 'three positive numbers (red, green, blue; of values 0 to 1)',
    check: (value) => isTriple(value) && (value as number[]).every((one) => one > 0),
  },
  dim: { is: 'length of a feature vector', check: isCount },
  licence: { is: 'text', check: isText, otherwise: 'not stated', optional: true },
  note: { is: 'text', check: isText, otherwise: 'registered by file', optional: true },
};

/**
 * Reads an encoder from a YAML or JSON file. The digest of the model and of the files that its weights lie in is taken, so both are part of what the
 * encoder is.
 *
 * @throws SamMilError `InvalidInput` naming every key that is missing, unknown or malformed; `WeightsMissing` where the model is not there
 */
export async function readEncoderFile(path: string): Promise<EncoderDefinition> {
  const file = parseEncoderFile(path);
  const model = isAbsolute(file.onnx) ? file.onnx : join(dirname(resolve(path)), file.onnx);
  const info: EncoderInfo = {
    name: file.name,
    version: file.version,
    weightsDigest: await digestOfModel(model, path),
    inputSize: file.size,
    resize: file.resize,
    mean: file.mean,
    std: file.std,
    dim: file.dim,
    licence: file.licence,
    note: file.note,
  };
  return {
    info,
    bring: async () => undefined,
    open: (options) =>
      openOnnxEncoder(info, { path: model, input: file.input, output: file.output }, options),
  };
}

function parseEncoderFile(path: string): EncoderFile {
  let value: unknown;
  try {
    value = parse(readFileSync(path, 'utf8'), { maxAliasCount: 0 });
  } catch (cause) {
    throw new SamMilError('InvalidInput', 'this encoder file cannot be read', {
      file: path,
      found: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
  if (!isJsonObject(value)) {
    throw new SamMilError('InvalidInput', 'an encoder file is a mapping', {
      file: path,
      expected: Object.keys(KEYS).join(', '),
      found: value === null ? 'nothing' : Array.isArray(value) ? 'a list' : typeof value,
    });
  }
  const problems = problemsOf(value);
  if (problems.length > 0) {
    throw new SamMilError('InvalidInput', problems.join('; '), {
      file: path,
      expected: `the keys ${Object.keys(KEYS).join(', ')}`,
    });
  }
  const defaults = Object.entries(KEYS).map(([key, { otherwise }]) => [key, otherwise]);
  // `problemsOf` found none, so the value has the shape of an EncoderFile.
  return Object.assign(Object.fromEntries(defaults) as object, value) as unknown as EncoderFile;
}

function problemsOf(value: Record<string, unknown>): string[] {
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(KEYS, key));
  return [
    ...unknown.map((key) => `unknown key ${key}`),
    ...Object.entries(KEYS).flatMap(([key, { is, check, optional }]) => {
      if (value[key] === undefined) return optional ? [] : [`${key} is missing (${is})`];
      return check(value[key]) ? [] : [`${key} must be ${is}, not ${JSON.stringify(value[key])}`];
    }),
  ];
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
      next: `bring that file, or correct \`onnx\` in ${encoderFile}`,
      cause,
    },
  );
}
