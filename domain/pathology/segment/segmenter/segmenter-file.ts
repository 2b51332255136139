import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { SamMilError } from '../../../errors.js';
import { isJsonObject } from '../../../json.js';

/** Content of the YAML or JSON file of a custom segmenter. */
export interface SegmenterFile {
  name: string;
  version: number;
  /** Segment Anything or MobileSAM; the tensors of the checkpoint determine which, and its size. */
  architecture: 'sam';
  /**
   * Path of the checkpoint. In the file, it is relative to the segmenter file; after reading, it is absolute.
   */
  weights: string;
  /** Attention heads of the mask decoder, which the checkpoint does not state: 8 in all published models. */
  'decoder-heads'?: number;
  /**
   * Side in pixels of the input square of MobileSAM, which its checkpoint does not state: 1024 in the
   * published model. SAM checkpoints determine it.
   */
  'image-size'?: number;
  license: string;
  note: string;
}

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string' && value !== '';
const isCount: Check = (value) => Number.isInteger(value) && (value as number) > 0;

/** For each key: a description and a check of its value, and whether it is optional. */
const KEYS: Record<keyof SegmenterFile, { is: string; check: Check; optional?: true }> = {
  name: { is: 'a name', check: isText },
  version: { is: 'a whole number from 1', check: isCount, optional: true },
  architecture: { is: 'sam', check: (value) => value === 'sam' },
  weights: { is: 'path of a .pth, .pt or .safetensors file', check: isText },
  'decoder-heads': { is: "attention heads of the mask decoder's layers", check: isCount, optional: true },
  'image-size': {
    is: "side in pixels of the square that MobileSAM's encoder sees",
    check: isCount,
    optional: true,
  },
  license: { is: 'text', check: isText, optional: true },
  note: { is: 'text', check: isText, optional: true },
};

/**
 * Reads and checks the file, but not the checkpoint.
 * @throws SamMilError InvalidInput naming every invalid key
 */
export function readSegmenterFile(path: string): SegmenterFile {
  const value = parseFile(path);
  const problems = findProblems(value);
  if (problems.length > 0) {
    throw new SamMilError('InvalidInput', problems.join('; '), {
      file: path,
      expected: `the keys ${Object.keys(KEYS).join(', ')}`,
    });
  }
  // `problemsOf` found none, so the value has the shape of a SegmenterFile.
  const file = value as unknown as SegmenterFile;
  const defaults = { version: 1, license: 'not stated', note: 'registered by file' };
  return { ...defaults, ...file, weights: resolve(dirname(resolve(path)), file.weights) };
}

/**
 * Returns the path and stamp of the checkpoint of a segmenter file.
 * @throws SamMilError WeightsMissing if it is missing
 */
export function presentWeights({ weights }: SegmenterFile, path: string): { path: string; stamp: string } {
  const stats = statSync(weights, { bigint: true, throwIfNoEntry: false });
  if (stats?.isFile()) {
    return { path: weights, stamp: `${weights}\n${stats.size}\n${stats.mtimeNs}\n${stats.ino}` };
  }
  throw new SamMilError('WeightsMissing', 'the checkpoint of this segmenter is missing', {
    file: path,
    expected: weights,
    next: `copy the file to this machine, or correct \`weights\` in ${path}`,
  });
}

function parseFile(path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parse(readFileSync(path, 'utf8'), { maxAliasCount: 0 });
  } catch (cause) {
    throw new SamMilError('InvalidInput', 'cannot read the segmenter file', {
      file: path,
      found: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
  if (isJsonObject(value)) return value;
  throw new SamMilError('InvalidInput', 'the segmenter file is not a mapping', {
    file: path,
    expected: Object.keys(KEYS).join(', '),
    found: value === null ? 'nothing' : Array.isArray(value) ? 'a list' : typeof value,
  });
}

function findProblems(value: Record<string, unknown>): string[] {
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(KEYS, key));
  return [
    ...unknown.map((key) => `unknown key ${key}`),
    ...Object.entries(KEYS).flatMap(([key, { is, check, optional }]) => {
      if (value[key] === undefined) return optional ? [] : [`${key} is missing (${is})`];
      return check(value[key]) ? [] : [`${key} must be ${is}, not ${JSON.stringify(value[key])}`];
    }),
  ];
}
