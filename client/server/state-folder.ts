import { accessSync, constants, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import { isProcessAlive } from '../../domain/machine/file-lock.js';

/**
 * Returns the folder for what must outlive a command but belongs to no work folder: the embedded server's
 * database and address, and the list of runs. `$SAM_MIL_STATE`, else `$XDG_STATE_HOME/sam-mil`, else
 * `~/.local/state/sam-mil`.
 */
export function stateFolder(): string {
  const { SAM_MIL_STATE, XDG_STATE_HOME } = process.env;
  if (SAM_MIL_STATE) return resolve(SAM_MIL_STATE);
  if (XDG_STATE_HOME) return join(XDG_STATE_HOME, 'sam-mil');
  return join(homedir(), '.local', 'state', 'sam-mil');
}

/**
 * Creates the state folder, or a folder in it.
 * @throws SamMilError InvalidInput if this user may not write there, as with the read-only home of many
 * containers
 */
export function makeStateFolder(...inside: string[]): string {
  const folder = join(stateFolder(), ...inside);
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return folder;
  } catch (cause) {
    throw new SamMilError('InvalidInput', 'the state folder of sam-mil cannot be written', {
      file: folder,
      found: (cause as NodeJS.ErrnoException).code,
      next: 'set SAM_MIL_STATE to a folder that this user may write to',
      cause,
    });
  }
}

/**
 * Registers a process of a kind (`users` of the embedded server, `workers`): one file per process, named by
 * its id. Files of dead processes do not count.
 */
export function registerProcess(kind: string, facts: object = {}, pid = process.pid): void {
  const folder = makeStateFolder(kind);
  writeFileSync(join(folder, String(pid)), JSON.stringify(facts));
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
