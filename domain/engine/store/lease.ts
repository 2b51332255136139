import { randomUUID } from 'node:crypto';
import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { makeFoldersBelow } from '../../files/make-folders.js';
import { asWriteError } from '../../files/atomic.js';
import { objectOf, RecordKind, TEXT } from '../../files/json-record.js';
import { writeDurably } from '../../files/durable-file.js';
import { requireInside } from './inside.js';
import { attemptsFolder, holderPath, identityPath, leaseFolder, scratchRoot, sealedFolder } from './paths.js';

/**
 * The right of a run to write into a work folder. A run gets a new lease each time it starts, and at most one
 * lease of a folder is valid: taking one renames the private folders of all others away. Everything that a
 * run publishes is renamed out of the folder of its lease, so a replaced run, or one on another server, can
 * no longer publish, however late it tries.
 */
export interface Lease {
  /** Identity of the work folder, see {@link identifyWorkFolder}. */
  folder: string;
  /** Names the private folder of the lease. */
  id: string;
}

/** Contents of `.runs/holder.json`: who holds the work folder. */
export interface Holder {
  holder: 1;
  /** {@link Lease.id}. */
  lease: string;
  /** {@link Lease.folder}. */
  folder: string;
  run: string;
  /** Path of the work folder when the lease was taken. */
  work: string;
  /** Id of the Temporal cluster, which a server keeps as long as its database. */
  cluster: string;
  namespace: string;
  /** Address of the server, or `embedded`. */
  server: string;
  /**
   * Process id of the embedded server, the machine that it runs on, and the absolute path of the file that
   * names its process after a restart.
   */
  process?: { pid: number; machine: string; record?: string };
  host: string;
  user: string;
  /** ISO 8601. */
  since: string;
}

const IDENTITY = new RecordKind<{ work: 1; id: string }>(objectOf({ work: { const: 1 }, id: TEXT }));

export const HOLDER = new RecordKind<Holder>(
  objectOf(
    {
      holder: { const: 1 },
      lease: TEXT,
      folder: TEXT,
      run: TEXT,
      work: TEXT,
      cluster: TEXT,
      namespace: TEXT,
      server: TEXT,
      host: TEXT,
      user: TEXT,
      since: TEXT,
    },
    { process: objectOf({ pid: { type: 'integer' }, machine: TEXT }, { record: TEXT }) },
  ),
);

/**
 * Returns the identity of a work folder, a random id in `.runs/work.json`. Writes it when the folder is first
 * used; moving or copying the folder keeps it. The folder `.runs` must exist.
 */
export async function identifyWorkFolder(work: string): Promise<string> {
  const known = await readIdentity(work);
  if (known !== undefined) return known;
  const id = randomUUID();
  await writeDurably(work, identityPath(work), IDENTITY.text({ work: 1, id }));
  return id;
}

/**
 * Takes the work folder: all earlier leases end. The caller holds the lock of the folder's runs.
 * @throws SamMilError DiskFull, InvalidInput if the folder is not writable
 */
export async function takeLease(
  work: string,
  holder: Omit<Holder, 'holder' | 'lease' | 'folder' | 'work'>,
): Promise<Lease> {
  const lease = { folder: await identifyWorkFolder(work), id: randomUUID() };
  const record: Holder = { holder: 1, lease: lease.id, folder: lease.folder, work, ...holder };
  try {
    await makeFoldersBelow(work, sealedFolder(work, lease.id));
    await writeDurably(work, holderPath(work), HOLDER.text(record));
    await revokeOthers(work, lease.id);
  } catch (error) {
    throw asWriteError(error, scratchRoot(work));
  }
  return lease;
}

/**
 * Recreates the private folder of a lease that still holds, for a resumed run whose `.scratch` was deleted.
 * Returns false if the folder has lost its identity: the run then needs a new lease. The caller holds the
 * lock of the folder's runs.
 */
export async function restoreLease(work: string, { folder, lease }: Holder): Promise<boolean> {
  if ((await readIdentity(work)) !== folder) return false;
  await makeFoldersBelow(work, sealedFolder(work, lease));
  return true;
}

/** Ends the lease of a run that was terminated, if it still holds the folder. */
export async function releaseLease(work: string, run: string): Promise<void> {
  if ((await readHolder(work))?.run !== run) return;
  await rm(holderPath(work), { force: true });
  await revokeOthers(work, undefined);
}

/** Returns who holds the work folder; undefined if nobody does, or if the record of it is damaged. */
export async function readHolder(work: string): Promise<Holder | undefined> {
  const found = await HOLDER.read(holderPath(work));
  return found.state === 'valid' ? found.value : undefined;
}

/** Returns what is wrong with the record of who holds the work folder, with its path. */
export async function holderFault(work: string): Promise<string | undefined> {
  const path = holderPath(work);
  const found = await HOLDER.read(path);
  return found.state === 'damaged' ? `${path}: ${found.found}` : undefined;
}

/**
 * Checks that the work folder is the one that the run was started in, and that the run still holds it.
 * @throws SamMilError WorkFolderLost if the folder is missing, WorkFolderReplaced if another one is at its
 * path, TakenOver if another run holds it, InvalidInput if a symbolic link leads out of the folder
 */
export async function requireLease(work: string, { folder, id }: Lease): Promise<void> {
  const found = await readIdentity(work);
  if (found === undefined) throw lost(work, await lstat(work).catch(() => undefined));
  if (found !== folder) throw replaced(work, folder, found);
  const path = sealedFolder(work, id);
  await requireInside(work, path);
  const own = await lstat(path).catch(() => undefined);
  if (own?.isDirectory() !== true) throw await takenOver(work, id);
}

/**
 * Lists what is left of attempts in a work folder without running attempts, as absolute paths. The private
 * folder of the current lease is kept, because its run may continue.
 */
export async function leftoverAttempts(work: string): Promise<string[]> {
  const current = (await readHolder(work))?.lease;
  const root = scratchRoot(work);
  const names = await readdir(root).catch((): string[] => []);
  const others = names.filter((name) => name !== current).map((name) => join(root, name));
  if (current === undefined) return others;
  const own = [sealedFolder(work, current), attemptsFolder(work, current)].map(async (folder) => {
    const stages = await readdir(folder).catch((): string[] => []);
    return stages.map((name) => join(folder, name));
  });
  return [...others, ...(await Promise.all(own)).flat()];
}

/** A single rename takes a folder from its owner. The deletion afterwards may be slow or interrupted. */
export async function revokeFolder(work: string, folder: string): Promise<void> {
  const doomed = join(scratchRoot(work), `.revoked-${randomUUID()}`);
  await rename(folder, doomed).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rm(doomed, { recursive: true, force: true }).catch(() => undefined);
}

async function revokeOthers(work: string, kept: string | undefined): Promise<void> {
  const names = await readdir(scratchRoot(work)).catch(() => []);
  for (const name of names.filter((one) => one !== kept)) {
    await revokeFolder(work, join(scratchRoot(work), name));
  }
}

async function readIdentity(work: string): Promise<string | undefined> {
  const found = await IDENTITY.read(identityPath(work));
  return found.state === 'valid' ? found.value.id : undefined;
}

function lost(work: string, there: unknown): SamMilError {
  return new SamMilError('WorkFolderLost', `the work folder of the run is missing on ${hostname()}`, {
    file: work,
    expected: 'the folder that the run was started in, mounted under the same path on every worker',
    found: there === undefined ? undefined : 'a folder without a valid .runs/work.json, which identifies it',
    next: 'mount it or move it back, then resume the run; a folder that was moved on purpose is resumed with `npx sam-mil resume RUN --work NEW_PATH`',
  });
}

function replaced(work: string, expected: string, found: string): SamMilError {
  return new SamMilError('WorkFolderReplaced', 'another folder is now at the path of the work folder', {
    file: work,
    expected: `work folder ${expected}`,
    found: `work folder ${found}`,
    next: 'cancel this run, or move the folders back; a folder that was moved is resumed with `npx sam-mil resume RUN --work NEW_PATH`',
  });
}

async function takenOver(work: string, lease: string): Promise<SamMilError> {
  const holder = await readHolder(work);
  if (holder?.lease === lease) {
    return new SamMilError('TakenOver', 'the private folder of the run was deleted', {
      file: leaseFolder(work, lease),
      next: `npx sam-mil resume ${holder.run}`,
    });
  }
  return new SamMilError('TakenOver', 'the run no longer holds its work folder', {
    file: work,
    found: holder === undefined ? await nobodyText(work) : describeHolder(holder),
    next: 'once nobody else uses the folder, `npx sam-mil resume RUN` continues this run; finished work is kept',
  });
}

async function nobodyText(work: string): Promise<string> {
  const fault = await holderFault(work);
  return fault === undefined ? 'nobody holds it' : `the record of who holds it is damaged: ${fault}`;
}

/** Describes who holds a work folder: `run a-1 of ann on gpu1 since ..., Temporal server lab:7233, ...`. */
export function describeHolder({ run, user, host, since, server, namespace }: Holder): string {
  const where =
    server === 'embedded' ? `the embedded Temporal server of ${host}` : `Temporal server ${server}`;
  return `run ${run} of ${user} on ${host} since ${since}, ${where}, namespace ${namespace}`;
}
