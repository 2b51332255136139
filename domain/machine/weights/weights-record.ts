import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { writeAtomic } from '../../files/atomic.js';
import { isJsonObject } from '../../json.js';
import { nativeCacheFolder } from '../cache-folder.js';

/** What `models import` and `models fetch` write last, so that a checkpoint without it is none. */
export interface WeightsRecord {
  name: string;
  /** Path of the checkpoint below the folder that the record lies in, with `/`. */
  file: string;
  /** `sha256:...`, taken while the file was copied. */
  digest: string;
  bytes: number;
  /** Time of the file's last change, in whole milliseconds: where it differs, the digest is taken again before anybody trusts the file. */
  modified: number;
  /** Path it was copied from, or address it was fetched from. */
  from: string;
  license: string;
  /** False for a lab's own weights, taken with `--accept-digest`. */
  published: boolean;
}

/** Where weights are kept: below the cache folder, one folder a model. */
export function weightsFolder(): string {
  return join(nativeCacheFolder(), 'weights');
}

export function folderOfWeights(name: string): string {
  return join(weightsFolder(), name);
}

export function recordPath(name: string): string {
  return join(folderOfWeights(name), 'weights.json');
}

/** Absolute path of the checkpoint that a record is about. */
export function checkpointPath(record: WeightsRecord): string {
  return join(folderOfWeights(record.name), ...record.file.split('/'));
}

/** Undefined where there is none. @throws SamMilError `InvalidInput` on one that was edited or damaged */
export function readRecord(name: string): WeightsRecord | undefined {
  const path = recordPath(name);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
  const record = parse(text);
  if (isRecord(record) && record.name === name) return record;
  throw new SamMilError('InvalidInput', 'the record of these weights is damaged', {
    file: path,
    next: `bring them again: \`npx sam-mil models fetch ${name}\` or \`npx sam-mil models import ${name} FILE\``,
  });
}

export function writeRecord(record: WeightsRecord): void {
  writeAtomic(recordPath(record.name), `${JSON.stringify(record, null, 2)}\n`);
}

/** Size and time of a file as a record holds them; undefined where it is not there. */
export function stampOf(path: string): { bytes: number; modified: number } | undefined {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts?.isFile() ? { bytes: facts.size, modified: Math.floor(facts.mtimeMs) } : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is WeightsRecord {
  if (!isJsonObject(value)) return false;
  const { name, file, digest, bytes, modified, from, license, published } = value;
  return (
    [name, from, license].every((text) => typeof text === 'string') &&
    [bytes, modified].every((number) => Number.isSafeInteger(number)) &&
    typeof published === 'boolean' &&
    typeof digest === 'string' &&
    /^sha256:[0-9a-f]{64}$/.test(digest) &&
    typeof file === 'string' &&
    file.split('/').every((part) => !['', '.', '..'].includes(part))
  );
}
