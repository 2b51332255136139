import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { writeAtomic } from '../../files/atomic.js';
import { isJsonObject } from '../../json.js';
import { nativeCacheFolder } from '../cache-folder.js';

/**
 * The record that `models import` and `models fetch` write last. A checkpoint without a record is incomplete.
 */
export interface WeightsRecord {
  name: string;
  /** Path of the checkpoint relative to the record's folder, with `/`. */
  file: string;
  /** `sha256:...` of the checkpoint, computed while its files were copied; see `digestOfCheckpoint`. */
  digest: string;
  bytes: number;
  /**
   * Modification time in whole milliseconds. If the file's time differs, its digest is checked before use.
   */
  modified: number;
  /** Path from which it was copied, or URL from which it was downloaded. */
  from: string;
  license: string;
  /** False for custom weights, accepted with `--accept-digest`. */
  published: boolean;
  /** No digest was pinned for this file. */
  recorded?: true;
  /** Commit of the repository on the hub that the file was downloaded from. */
  revision?: string;
  /** The parts of a sharded checkpoint, whose index is `file`, in the same folder. */
  shards?: readonly ShardStamp[];
}

/** Name, size and modification time of a part of a checkpoint. */
export interface ShardStamp {
  name: string;
  bytes: number;
  modified: number;
}

/** The folder of all weights, below the cache folder, with one folder per model. */
export function weightsFolder(): string {
  return join(nativeCacheFolder(), 'weights');
}

export function modelFolder(name: string): string {
  return join(weightsFolder(), name);
}

export function recordPath(name: string): string {
  return join(modelFolder(name), 'weights.json');
}

/** Absolute path of the checkpoint that a record describes. */
export function checkpointPath(record: WeightsRecord): string {
  return join(modelFolder(record.name), ...record.file.split('/'));
}

/** Undefined if there is none. @throws SamMilError `InvalidInput` where the record was edited or damaged */
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
    next: `run \`npx sam-mil models fetch ${name}\` or \`npx sam-mil models import ${name} FILE\``,
  });
}

export function writeRecord(record: WeightsRecord): void {
  writeAtomic(recordPath(record.name), `${JSON.stringify(record, null, 2)}\n`);
}

/** Size and modification time of a file as in its record, or undefined if it does not exist. */
export function readStamp(path: string): { bytes: number; modified: number } | undefined {
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
  const { name, file, digest, bytes, modified, from, license, published, shards = [] } = value;
  return (
    Array.isArray(shards) &&
    shards.every(isShard) &&
    [name, from, license].every((text) => typeof text === 'string') &&
    [bytes, modified].every((number) => Number.isSafeInteger(number)) &&
    typeof published === 'boolean' &&
    typeof digest === 'string' &&
    /^sha256:[0-9a-f]{64}$/.test(digest) &&
    typeof file === 'string' &&
    file.split('/').every((part) => !['', '.', '..'].includes(part))
  );
}

function isShard(value: unknown): value is ShardStamp {
  if (!isJsonObject(value)) return false;
  const { name, bytes, modified } = value;
  return (
    typeof name === 'string' &&
    /^[\w-][\w.-]*$/.test(name) &&
    [bytes, modified].every((number) => Number.isSafeInteger(number))
  );
}
