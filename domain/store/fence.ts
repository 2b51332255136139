import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SamMilError } from '../errors.js';
import { asWriteError } from '../formats/atomic.js';
import { scratchFolder, type Place } from './paths.js';

/**
 * Keeps an attempt that was cut off, and works on all the same, from damaging a later attempt's outputs. Everything an attempt publishes is
 * renamed out of its private folder; a later attempt at the same place takes that folder away first, so the earlier one's renames fail, however
 * late they come. No clock and no lock is involved.
 */
export interface Claim {
  place: Place;
  /** Absolute path of this attempt's private folder, on the file system of the work folder. */
  scratch: string;
}

/** Takes the place for a new attempt: earlier attempts there can publish nothing from now on. */
export async function claimPlace(work: string, place: Place): Promise<Claim> {
  const parent = scratchFolder(work, place);
  const scratch = join(parent, randomUUID());
  try {
    await mkdir(parent, { recursive: true });
    await revokeOthers(work, parent);
    await mkdir(scratch);
  } catch (error) {
    throw asWriteError(error, scratch);
  }
  return { place, scratch };
}

/** Removes the private folder; parents stay, others may be using them. */
export async function releaseClaim(claim: Claim): Promise<void> {
  await rm(claim.scratch, { recursive: true, force: true });
}

/**
 * Gives a file of the private folder its final name.
 * @throws SamMilError Superseded where a later attempt has taken the place
 */
export async function renameOut(claim: Claim, from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !(await exists(claim.scratch))) {
      const { stage, item, step } = claim.place;
      throw new SamMilError('Superseded', `a later attempt has taken over ${stage}@${item} ${step}`, {
        cause: error,
      });
    }
    throw asWriteError(error, to);
  }
}

/** One rename takes a whole folder away from its owner; the deletion after it may be slow and may be interrupted. */
async function revokeOthers(work: string, parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const doomed = join(work, '.scratch', `.revoked-${randomUUID()}`);
    await rename(join(parent, name), doomed).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rm(doomed, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function exists(path: string): Promise<boolean> {
  return readdir(path).then(
    () => true,
    () => false,
  );
}
