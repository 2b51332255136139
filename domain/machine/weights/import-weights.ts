import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { asWriteError, fsyncPath } from '../../files/atomic.js';
import { tensorLayout } from '../../files/torch/torch-layout.js';
import { withFileLock } from '../file-lock.js';
import { requireSpace } from '../http/room-on-disk.js';
import { checkDigest } from './check-digest.js';
import { joinDigests, listCheckpointFiles } from './checkpoint-files.js';
import { type NamedWeights, weightsEntry } from './manifest.js';
import type { UrlEntry, Weights } from './weights-entry.js';
import { modelFolder, readRecord, weightsFolder, type WeightsRecord, writeRecord } from './weights-record.js';
import { stampFiles } from './weights-store.js';
import { importWheelWeights } from './wheel-weights.js';

export interface ImportOptions {
  /** Accept an unpublished file: any (`true`), or the one with this SHA-256 (with or without `sha256:`). */
  acceptDigest?: boolean | string;
  /**
   * Checks that the checkpoint fits the model's architecture and writes derived files next to it. Throws if
   * it does not fit.
   */
  prepare?: (weights: Weights) => Promise<void>;
  /** For a downloaded checkpoint, whose files are moved instead of copied. */
  fetched?: Fetched;
  /** Called if another process is importing this model. */
  onWait?: () => void;
}

/** Where a downloaded checkpoint comes from. */
export interface Fetched {
  /** URL without secrets. */
  from: string;
  /** SHA-256 that the server stated for the file, in hexadecimal. */
  served?: string;
  /** Commit of the repository on the hub. */
  revision?: string;
}

export interface Imported extends Weights {
  /** True for a published file, false for custom weights. */
  published: boolean;
}

/**
 * Imports a checkpoint into the weights folder: copies it while computing its digest, compares the digest
 * with the manifest, reads the checkpoint (without executing anything in it), prepares it, flushes it to
 * disk, and finally records it. If a step fails, the previous import stays in place. A sharded checkpoint is
 * named by its index (`model.safetensors.index.json`), with its parts in the same folder.
 *
 * @throws SamMilError `InvalidInput` where the digest is not in the manifest or the file is damaged,
 *   `UnsupportedFormat` on a different architecture, `DiskFull`
 */
export async function importWeights(
  model: NamedWeights,
  file: string,
  options: ImportOptions = {},
): Promise<Imported> {
  const entry = weightsEntry(model);
  const { name } = entry;
  if (entry.from === 'wheel') return { ...(await importWheelWeights(entry, file)), published: true };
  const bytes = readSize(entry, file);
  return withFileLock(
    join(weightsFolder(), `${name}.lock`),
    async () => {
      const scratch = await emptyScratch(name);
      try {
        if (options.fetched === undefined) await requireSpace(scratch, bytes);
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
  { acceptDigest: accept, prepare, fetched }: ImportOptions,
): Promise<Imported> {
  const { name, license } = entry;
  const path = join(scratch, basename(file));
  const shown = fetched?.from ?? file;
  const digest = await bringFiles(listCheckpointFiles(file), scratch, fetched !== undefined);
  const found = { file: shown, digest, accept, served: fetched?.served, before: recordBefore(name) };
  const trust = checkDigest(entry, found);
  try {
    tensorLayout(path);
    await prepare?.({ name, path, folder: scratch, digest });
  } catch (error) {
    // A full disk, for example, must not force another download of gigabytes with the right digest.
    if (fetched !== undefined) {
      for (const one of listCheckpointFiles(path)) await rename(one, join(dirname(file), basename(one)));
    }
    // The copy no longer exists when the message is read.
    throw error instanceof SamMilError ? renamed(error, path, shown) : error;
  }
  const part = digest.slice('sha256:'.length, 'sha256:'.length + 16);
  const folder = join(modelFolder(name), part);
  fsyncPath(scratch);
  putInPlace(scratch, folder);
  writeRecord({
    name,
    file: `${part}/${basename(file)}`,
    digest,
    ...stampFiles(join(folder, basename(file))),
    from: shown,
    license,
    published: trust !== 'own',
    ...(trust === 'recorded' && { recorded: true }),
    ...(fetched?.revision !== undefined && { revision: fetched.revision }),
  });
  removeOthers(name, part);
  return { name, path: join(folder, basename(file)), folder, digest, published: trust !== 'own' };
}

/** Copies or moves the files into a folder. Returns the digest of the checkpoint. */
async function bringFiles(files: readonly string[], folder: string, move: boolean): Promise<string> {
  const digests: [string, string][] = [];
  for (const from of files) {
    const to = join(folder, basename(from));
    if (move) await rename(from, to);
    digests.push([basename(from), move ? await copyWithDigest(to) : await copyWithDigest(from, to)]);
  }
  return joinDigests(digests);
}

/** A damaged record must not prevent the import that replaces it. */
function recordBefore(name: string): WeightsRecord | undefined {
  try {
    return readRecord(name);
  } catch (error) {
    if (error instanceof SamMilError) return undefined;
    throw error;
  }
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

/** @throws SamMilError InvalidInput if a file of the checkpoint is missing */
function readSize(entry: UrlEntry, file: string): number {
  const size = (path: string): number => {
    const facts = statSync(path, { throwIfNoEntry: false });
    if (facts?.isFile()) return facts.size;
    throw new SamMilError('InvalidInput', facts ? 'this is not a file' : 'the file does not exist', {
      file: path,
      expected: `${entry.file}, from ${entry.url}`,
    });
  };
  size(file);
  return listCheckpointFiles(file).reduce((sum, path) => sum + size(path), 0);
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
