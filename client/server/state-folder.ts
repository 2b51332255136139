import {
  accessSync,
  chmodSync,
  constants,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import { isProcessAlive } from '../../domain/machine/file-lock.js';

/** Modes of the state folder: nobody but its owner reads histories, credentials and names of runs. */
const PRIVATE_FOLDER = 0o700;
export const PRIVATE_FILE = 0o600;

const OTHER_ACCOUNTS = 0o077;

/**
 * Returns the folder for what must outlive a command but belongs to no work folder: the embedded server's
 * database, credentials and address, and the list of runs. `$SAM_MIL_STATE`, else `$XDG_STATE_HOME/sam-mil`,
 * else `~/.local/state/sam-mil`.
 */
export function stateFolder(): string {
  const { SAM_MIL_STATE, XDG_STATE_HOME } = process.env;
  if (SAM_MIL_STATE) return resolve(SAM_MIL_STATE);
  if (XDG_STATE_HOME) return join(XDG_STATE_HOME, 'sam-mil');
  return join(homedir(), '.local', 'state', 'sam-mil');
}

/**
 * Creates the state folder, or a folder in it, for this account only.
 * @throws SamMilError InvalidInput if this user may not write there, as with the read-only home of many
 * containers, or if the folder belongs to another account, which could read and replace what is in it
 */
export function makeStateFolder(...inside: string[]): string {
  const top = stateFolder();
  const folder = join(top, ...inside);
  try {
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
    refuseForeign(top);
    accessSync(folder, constants.W_OK);
    for (const path of [top, folder]) {
      if ((statSync(path).mode & OTHER_ACCOUNTS) !== 0) chmodSync(path, PRIVATE_FOLDER);
    }
    return folder;
  } catch (cause) {
    if (cause instanceof SamMilError) throw cause;
    throw new SamMilError('InvalidInput', 'the state folder of sam-mil cannot be written', {
      file: folder,
      found: (cause as NodeJS.ErrnoException).code,
      next: 'set SAM_MIL_STATE to a folder that this user may write to',
      cause,
    });
  }
}

function refuseForeign(folder: string): void {
  const user = process.getuid?.();
  const { uid } = statSync(folder);
  if (user === undefined || uid === user) return;
  throw new SamMilError('InvalidInput', 'the state folder of sam-mil belongs to another account', {
    file: folder,
    expected: `user id ${user}`,
    found: `user id ${uid}`,
    next: 'set SAM_MIL_STATE to a folder of your own',
  });
}

/** Takes every permission of other accounts from a folder's content, which an older version left readable. */
export function closeToOthers(folder = stateFolder()): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) closeToOthers(path);
    if (!entry.isDirectory() && !entry.isFile()) continue;
    // A file of a process that ends at this moment may be gone.
    const mode = lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0;
    if ((mode & OTHER_ACCOUNTS) !== 0) chmodSync(path, mode & 0o700);
  }
}

/**
 * Registers a process of a kind (`users` of the embedded server, `workers`): one file per process, named by
 * its id. Files of dead processes do not count.
 */
export function registerProcess(kind: string, facts: object = {}, pid = process.pid): void {
  const folder = makeStateFolder(kind);
  writeFileSync(join(folder, String(pid)), JSON.stringify(facts), { mode: PRIVATE_FILE });
}

export function unregisterProcess(kind: string, pid = process.pid): void {
  rmSync(join(stateFolder(), kind, String(pid)), { force: true });
}

/** Returns the running processes of a kind, with the facts they registered. */
export function registeredProcesses(kind: string): { pid: number; facts: Record<string, unknown> }[] {
  const folder = join(stateFolder(), kind);
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || !isProcessAlive(pid)) {
      rmSync(join(folder, name), { force: true });
      return [];
    }
    return [{ pid, facts: readFacts(join(folder, name)) }];
  });
}

/** An unreadable file is being written or removed at this moment. */
function readFacts(path: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}
