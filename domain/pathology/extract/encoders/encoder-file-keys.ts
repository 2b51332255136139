import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { SamMilError } from '../../../errors.js';
import { isJsonObject } from '../../../json.js';
import { ARCHITECTURES, type ArchitectureName, isArchitecture } from './architectures.js';
import type { Triple } from './encoder.js';

/**
 * Content of a custom encoder file. An ONNX model has `onnx`; a checkpoint has `architecture` and `weights`.
 */
export interface EncoderFile {
  name: string;
  version: number;
  /** Path of the model; like `weights`, relative to the encoder file. */
  onnx?: string;
  input?: string;
  output?: string;
  architecture?: ArchitectureName;
  weights?: string;
  'head-width'?: number;
  size?: number;
  resize?: 'bilinear' | 'bicubic';
  mean?: Triple;
  std?: Triple;
  dim?: number;
  license: string;
  note: string;
}

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string' && value !== '';
const isCount: Check = (value) => Number.isInteger(value) && (value as number) > 0;
const isTriple: Check = (value) =>
  Array.isArray(value) && value.length === 3 && value.every((one) => Number.isFinite(one));

/**
 * For each key: a description and a check of its value, its default, and the kinds of files it applies to.
 * `required` applies to these kinds. An architecture defines size, mean, std and dim.
 */
const KEYS: Record<
  keyof EncoderFile,
  {
    is: string;
    check: Check;
    otherwise?: unknown;
    only?: 'onnx' | 'architecture';
    required?: 'all' | 'onnx' | 'architecture';
  }
> = {
  name: { is: 'a name', check: isText, required: 'all' },
  version: { is: 'a whole number from 1', check: isCount, otherwise: 1 },
  onnx: { is: 'path of an .onnx file', check: isText, only: 'onnx', required: 'onnx' },
  input: { is: "name of the model's image input", check: isText, only: 'onnx' },
  output: { is: "name of the model's feature output", check: isText, only: 'onnx' },
  architecture: {
    is: `one of ${Object.keys(ARCHITECTURES).join(', ')}`,
    check: isArchitecture,
    only: 'architecture',
    required: 'architecture',
  },
  weights: {
    is: 'path of a .pth, .pt, .bin or .safetensors file',
    check: isText,
    only: 'architecture',
    required: 'architecture',
  },
  'head-width': { is: 'channels of an attention head (clip-vit)', check: isCount, only: 'architecture' },
  size: { is: 'side of the patches in pixels', check: isCount, required: 'onnx' },
  resize: { is: 'bilinear or bicubic', check: (value) => value === 'bilinear' || value === 'bicubic' },
  mean: { is: 'three numbers (red, green, blue; of values 0 to 1)', check: isTriple, required: 'onnx' },
  std: {
    is: 'three positive numbers (red, green, blue; of values 0 to 1)',
    check: (value) => isTriple(value) && (value as number[]).every((one) => one > 0),
    required: 'onnx',
  },
  dim: { is: 'length of a feature vector', check: isCount, required: 'onnx' },
  license: { is: 'text', check: isText, otherwise: 'not stated' },
  note: { is: 'text', check: isText, otherwise: 'registered by file' },
};

/**
 * Reads and checks the file, but not the files it refers to.
 * @throws SamMilError InvalidInput naming every invalid key
 */
export function parseEncoderFile(path: string): EncoderFile {
  let value: unknown;
  try {
    value = parse(readFileSync(path, 'utf8'), { maxAliasCount: 0 });
  } catch (cause) {
    throw new SamMilError('InvalidInput', 'cannot read the encoder file', {
      file: path,
      found: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
  if (!isJsonObject(value)) {
    throw new SamMilError('InvalidInput', 'the encoder file is not a mapping', {
      file: path,
      expected: Object.keys(KEYS).join(', '),
      found: value === null ? 'nothing' : Array.isArray(value) ? 'a list' : typeof value,
    });
  }
  const problems = findProblems(value);
  if (problems.length > 0) {
    throw new SamMilError('InvalidInput', problems.join('; '), {
      file: path,
      expected: `the keys ${Object.keys(KEYS).join(', ')}`,
    });
  }
  const defaults = Object.entries(KEYS).flatMap(([key, { otherwise }]) =>
    otherwise === undefined ? [] : [[key, otherwise]],
  );
  // `problemsOf` found none, so the value has the shape of an EncoderFile.
  return Object.assign(Object.fromEntries(defaults) as object, value) as unknown as EncoderFile;
}

function findProblems(value: Record<string, unknown>): string[] {
  const kind = value.architecture === undefined && value.weights === undefined ? 'onnx' : 'architecture';
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(KEYS, key));
  return [
    ...unknown.map((key) => `unknown key ${key}`),
    ...Object.entries(KEYS).flatMap(([key, { is, check, only, required }]) => {
      if (value[key] === undefined) {
        return required === 'all' || required === kind ? [`${key} is missing (${is})`] : [];
      }
      if (only !== undefined && only !== kind)
        return [`${key} cannot be combined with ${kind === 'onnx' ? 'onnx' : 'architecture and weights'}`];
      return check(value[key]) ? [] : [`${key} must be ${is}, not ${JSON.stringify(value[key])}`];
    }),
  ];
}
