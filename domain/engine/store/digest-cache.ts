import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { digestOf, digestOfFile, digestOfJson } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { notRegular } from '../../regular-file.js';
import { diskAway } from '../../files/disk-away.js';
import { writeWhole } from '../../files/durable-file.js';
import { DIGEST, objectOf, RecordKind, TEXT } from '../../files/json-record.js';
import type { OutputFault } from './receipts.js';
import { STAMP, type ReceiptFile } from './receipt-record.js';
import { isFresh, sameStamp, readStamp, type FileStamp } from '../../files/file-stamp.js';
import { digestCacheFolder, insideWork } from './paths.js';

interface Remembered {
  stamp: FileStamp;
  digest: string;
}

/** The digest of a file that was read, with the file's absolute path. */
const STORED = new RecordKind<Remembered & { path: string }>(
  objectOf({ path: TEXT, stamp: STAMP, digest: DIGEST }),
);

/**
 * Digests of files. A file is read again only if its stamp differs. Digests of files that were read are also
 * stored on disk (slides have many GB); digests from receipts are kept in memory.
 */
export class DigestCache {
  private readonly work: string;
  private readonly memory = new Map<string, Remembered>();
  /** Digests in progress, so that concurrent callers read a file only once. */
  private readonly pending = new Map<string, Promise<string>>();

  constructor(work: string) {
    this.work = work;
  }

  /**
   * SHA-256 of a file's content, as `sha256:<hex>`.
   * @throws SamMilError InvalidInput if the file does not exist, is not readable or not a regular file,
   *   Unavailable if it changes while it is read, or if its disk does not answer
   */
  async digest(path: string): Promise<string> {
    const stamp = await requireStamp(path);
    const known = await this.recall(path, stamp);
    return known ?? (await this.read(path, stamp));
  }

  /** The digest if it is known without reading the file, otherwise undefined. */
  async known(path: string): Promise<string | undefined> {
    const stamp = await readStamp(path);
    return stamp && (await this.recall(path, stamp));
  }

  /** Records a digest that was computed elsewhere. */
  remember(path: string, stamp: FileStamp, digest: string): void {
    if (this.memory.size > 100_000) this.memory.clear();
    this.memory.set(path, { stamp, digest });
  }

  /** Records the digests of outputs whose receipt is valid. */
  rememberOutputs(files: Readonly<Record<string, ReceiptFile>>): void {
    for (const [path, { digest, ...stamp }] of Object.entries(files)) {
      this.remember(insideWork(this.work, path), stamp, digest);
    }
  }

  private async recall(path: string, stamp: FileStamp): Promise<string | undefined> {
    const inMemory = this.memory.get(path);
    if (inMemory && sameStamp(inMemory.stamp, stamp)) return inMemory.digest;
    const onDisk = await this.load(path);
    if (!onDisk || !sameStamp(onDisk.stamp, stamp)) return undefined;
    this.remember(path, stamp, onDisk.digest);
    return onDisk.digest;
  }

  private read(path: string, stamp: FileStamp): Promise<string> {
    const running = this.pending.get(path);
    if (running) return running;
    const reading = this.readNow(path, stamp).finally(() => this.pending.delete(path));
    this.pending.set(path, reading);
    return reading;
  }

  private async readNow(path: string, before: FileStamp): Promise<string> {
    const digest = await digestOfFile(path).catch((error: unknown) => {
      throw error instanceof SamMilError ? error : unreadable(path, error);
    });
    const after = await requireStamp(path);
    if (!sameStamp(before, after)) {
      throw new SamMilError('Unavailable', 'the file changed while it was read', {
        file: path,
        next: 'wait until the program that writes it has ended',
      });
    }
    if (isFresh(after)) return digest;
    this.remember(path, after, digest);
    await this.save(path, { stamp: after, digest });
    return digest;
  }

  private entry(path: string): string {
    const hex = digestOf(path).slice('sha256:'.length);
    return join(digestCacheFolder(this.work), hex.slice(0, 2), `${hex}.json`);
  }

  private async load(path: string): Promise<Remembered | undefined> {
    const found = await STORED.read(this.entry(path));
    return found.state === 'valid' && found.value.path === path ? found.value : undefined;
  }

  /** If the cache cannot be written, the digest is only computed again. */
  private async save(path: string, entry: Remembered): Promise<void> {
    await writeWhole(this.work, this.entry(path), STORED.text({ path, ...entry })).catch(() => undefined);
  }
}

/** Returns what is wrong with a file that should have a digest; undefined if it has it. */
export async function contentFault(
  cache: DigestCache,
  path: string,
  digest: string,
): Promise<OutputFault['fault'] | undefined> {
  if ((await readStamp(path)) === undefined) return 'missing';
  return (await cache.digest(path)) === digest ? undefined : 'changed';
}

/**
 * Digest of an input. For a folder, or an input that consists of several files, it is the digest of the
 * sorted list of (relative path, digest) of its files.
 * @param how `known` uses recorded digests only; the result is undefined if a file would have to be read
 * @param companions returns further files that belong to the named one, such as the folder with the pixels of
 *   a slide or the other files of its series
 * @throws SamMilError InvalidInput if a file does not exist or is not readable, Unavailable if it changes
 *   while it is read
 */
export async function digestOfInput(
  cache: DigestCache,
  path: string,
  how: 'read' | 'known' = 'read',
  companions: (path: string) => readonly string[] = () => [],
): Promise<string | undefined> {
  const one = (file: string) => (how === 'read' ? cache.digest(file) : cache.known(file));
  const own = await filesUnder(path);
  if (own !== undefined) return digestOfFiles(path, own, one);
  const alone = await one(path);
  if (alone === undefined) return undefined;
  const others = listCompanions(path, companions);
  if (others.length === 0) return alone;
  const folder = dirname(path);
  return digestOfFiles(
    folder,
    [path, ...others].map((file) => relative(folder, file)),
    one,
  );
}

function listCompanions(path: string, companions: (path: string) => readonly string[]): readonly string[] {
  try {
    return companions(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function digestOfFiles(
  folder: string,
  files: string[],
  one: (file: string) => Promise<string | undefined>,
): Promise<string | undefined> {
  const list: [string, string][] = [];
  for (const file of files) {
    const digest = await one(join(folder, file));
    if (digest === undefined) return undefined;
    list.push([file.split('\\').join('/'), digest]);
  }
  return digestOfJson(list);
}

/**
 * Sorted relative paths of all files below a folder, without hidden ones; undefined if `path` is not a
 * folder.
 */
async function filesUnder(path: string): Promise<string[] | undefined> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOTDIR' || error.code === 'ENOENT') return undefined;
    throw unreadable(path, error);
  });
  if (!entries) return undefined;
  const files: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const below = await filesUnder(join(path, entry.name));
    if (below === undefined) files.push(entry.name);
    else files.push(...below.map((file) => join(entry.name, file)));
  }
  return files.sort((a, b) => (a < b ? -1 : 1));
}

async function requireStamp(path: string): Promise<FileStamp> {
  const stamp = await readStamp(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (stamp) return stamp;
  const other = await stat(path).catch(() => undefined);
  if (other !== undefined) throw notRegular(path, other);
  throw new SamMilError('InvalidInput', 'the file does not exist', {
    file: path,
    next: 'check the path, or provide the file and resume the run',
  });
}

function unreadable(path: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ELOOP') {
    return new SamMilError('InvalidInput', 'the symbolic link leads back to itself (ELOOP)', {
      file: path,
      next: 'make the link point to the file, then resume the run',
      cause,
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new SamMilError('InvalidInput', `the user has no permission to read it (${code})`, {
      file: path,
      next: "give the worker's user permission to read it and its folder, then resume the run",
      cause,
    });
  }
  return diskAway(cause, path) ?? cause;
}
