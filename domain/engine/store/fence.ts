import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOfJson } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { asWriteError } from '../../files/atomic.js';
import { makeFoldersBelow } from '../../files/make-folders.js';
import { requireLease, revokeFolder, type Lease } from './lease.js';
import { attemptsFolder, leaseFolder, sealedFolder, type Place } from './paths.js';

/**
 * Prevents an attempt that lost its connection but still runs from damaging the outputs of a later attempt.
 * An attempt publishes files by renaming them out of its private folder. A later attempt at the same place
 * first removes that folder, and a later run that of the whole {@link Lease}, so renames of the earlier
 * attempt fail, however late they happen. This requires neither clocks nor locks.
 */
export interface Claim {
  place: Place;
  work: string;
  lease: Lease;
  /** Absolute path of this attempt's folder for the work, on the file system of the work folder. */
  scratch: string;
  /** Absolute path of the folder from which its files are published; see {@link sealedFolder}. */
  sealed: string;
}

/**
 * Claims the place for a new attempt. Earlier attempts there can no longer publish anything.
 * @throws SamMilError DiskFull, InvalidInput if the work folder is not writable; as {@link requireLease}
 */
export async function claimPlace(work: string, lease: Lease, place: Place): Promise<Claim> {
  const name = scratchPrefix(place) + randomUUID();
  const sealed = join(sealedFolder(work, lease.id, place.stage), name);
  const scratch = join(attemptsFolder(work, lease.id, place.stage), name);
  try {
    await makeFoldersBelow(sealedFolder(work, lease.id), dirname(sealed));
    await makeFoldersBelow(leaseFolder(work, lease.id), dirname(scratch));
    await revokeClaims(work, lease, place);
    for (const path of [sealed, scratch]) await mkdir(path);
  } catch (error) {
    await requireLease(work, lease);
    throw asWriteError(error, scratch);
  }
  return { place, work, lease, scratch, sealed };
}

/**
 * Ends all attempts at a place: they can no longer publish. Returns whether there were any.
 */
export async function revokeClaims(work: string, lease: Lease, place: Place): Promise<boolean> {
  const prefix = scratchPrefix(place);
  let open = 0;
  for (const folderOf of [sealedFolder, attemptsFolder]) {
    const parent = folderOf(work, lease.id, place.stage);
    const names = (await readdir(parent).catch(() => [])).filter((name) => name.startsWith(prefix));
    for (const name of names) await revokeFolder(work, join(parent, name));
    open += names.length;
  }
  return open > 0;
}

/** All prefixes have the same length, so that none is the start of another. */
function scratchPrefix({ item, step }: Place): string {
  return `${digestOfJson([item, step]).slice('sha256:'.length, 'sha256:'.length + 24)}-`;
}

/** Removes the private folders. Their parents are kept, because other attempts may be using them. */
export async function releaseClaim({ work, sealed, scratch }: Claim): Promise<void> {
  for (const folder of [sealed, scratch]) await revokeFolder(work, folder);
}

/**
 * Moves a file from the private folder to its final path in the work folder. Fails if a later attempt or run
 * has removed the private folder.
 */
export async function renameOut({ work }: Claim, from: string, to: string): Promise<void> {
  // Another work folder that has taken the place of this one must not receive folders either.
  await lstat(from);
  await makeFoldersBelow(work, dirname(to));
  await rename(from, to);
}

/**
 * Returns why the claim is lost, which explains the error: Superseded (retryable) if a later attempt has
 * claimed the place, or as {@link requireLease}; otherwise the error itself.
 */
export async function explainLoss({ work, lease, sealed, place }: Claim, error: unknown): Promise<unknown> {
  if (await exists(sealed)) return error;
  try {
    await requireLease(work, lease);
  } catch (reason) {
    return reason;
  }
  const { stage, item, step } = place;
  const what = `a later attempt has taken over ${step} of ${stage}@${item}`;
  return new SamMilError('Superseded', what, { cause: error });
}

async function exists(path: string): Promise<boolean> {
  return readdir(path).then(
    () => true,
    () => false,
  );
}
