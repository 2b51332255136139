import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOfJson } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { asWriteError } from '../../files/atomic.js';
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
  const parent = scratchFolder(work, place.stage);
  const prefix = prefixOf(place);
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

/** Of one length, whatever the names: no place's prefix begins another's. */
function prefixOf({ item, step }: Place): string {
  return `${digestOfJson([item, step]).slice('sha256:'.length, 'sha256:'.length + 24)}-`;
}

/** Removes the private folder; its parent stays, others may be using it. */
export async function releaseClaim(claim: Claim): Promise<void> {
  await rm(claim.scratch, { recursive: true, force: true });
}

/** Gives a file of the private folder its final name. Fails where a later attempt has taken that folder. */
export async function renameOut(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rename(from, to);
}

/** The error as it is, or Superseded (retryable) where the cause of it is that a later attempt has taken the place. */
export async function explainLoss({ scratch, place }: Claim, error: unknown): Promise<unknown> {
  if (await exists(scratch)) return error;
  const { stage, item, step } = place;
  const what = `a later attempt has taken over ${step} of ${stage}@${item}`;
  return new SamMilError('Superseded', what, { cause: error });
}

/** One rename takes a whole folder away from its owner; the deletion after it may be slow and may be interrupted. */
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
