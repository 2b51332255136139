import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOfJson } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { asWriteError } from '../../files/atomic.js';
import { scratchFolder, type Place } from './paths.js';

/**
 * Prevents an attempt that lost its connection but still runs from damaging the outputs of a later attempt.
 * An attempt publishes files by renaming them out of its private folder. A later attempt at the same place
 * first removes that folder, so renames of the earlier attempt fail, however late they happen. This requires
 * neither clocks nor locks.
 */
export interface Claim {
  place: Place;
  /** Absolute path of this attempt's private folder, on the file system of the work folder. */
  scratch: string;
}

/**
 * Claims the place for a new attempt. Earlier attempts there can no longer publish anything.
 * @throws SamMilError DiskFull, InvalidInput if the work folder is not writable
 */
export async function claimPlace(work: string, place: Place): Promise<Claim> {
  const parent = scratchFolder(work, place.stage);
  const prefix = scratchPrefix(place);
  const scratch = join(parent, prefix + randomUUID());
  try {
    await mkdir(parent, { recursive: true });
    for (const name of await readdir(parent)) {
      if (name.startsWith(prefix)) await revoke(work, join(parent, name));
    }
    await mkdir(scratch);
  } catch (error) {
    throw asWriteError(error, scratch);
  }
  return { place, scratch };
}

/** All prefixes have the same length, so that none is the start of another. */
function scratchPrefix({ item, step }: Place): string {
  return `${digestOfJson([item, step]).slice('sha256:'.length, 'sha256:'.length + 24)}-`;
}

/** Removes the private folder. Its parent is kept, because other attempts may be using it. */
export async function releaseClaim(claim: Claim): Promise<void> {
  await rm(claim.scratch, { recursive: true, force: true });
}

/**
 * Moves a file from the private folder to its final path. Fails if a later attempt has removed the folder.
 */
export async function renameOut(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rename(from, to);
}

/**
 * Returns Superseded (retryable) if a later attempt has claimed the place, which explains the error;
 * otherwise the error itself.
 */
export async function explainLoss({ scratch, place }: Claim, error: unknown): Promise<unknown> {
  if (await exists(scratch)) return error;
  const { stage, item, step } = place;
  const what = `a later attempt has taken over ${step} of ${stage}@${item}`;
  return new SamMilError('Superseded', what, { cause: error });
}

/**
 * A single rename removes the whole folder from its owner. The deletion afterwards may be slow or
 * interrupted.
 */
async function revoke(work: string, scratch: string): Promise<void> {
  const doomed = join(work, '.scratch', `.revoked-${randomUUID()}`);
  await rename(scratch, doomed).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rm(doomed, { recursive: true, force: true }).catch(() => undefined);
}

async function exists(path: string): Promise<boolean> {
  return readdir(path).then(
    () => true,
    () => false,
  );
}
