import { accessSync, constants, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import { isProcessAlive } from '../../domain/machine/file-lock.js';

/**
 * Where the command line keeps what must outlive a command but belongs to no work folder: the embedded server's database, its address, and the
 * list of runs. `$SAM_MIL_STATE`, else `$XDG_STATE_HOME/sam-mil`, else `~/.local/state/sam-mil`.
 */
export function stateFolder(): string {
  const { SAM_MIL_STATE, XDG_STATE_HOME } = process.env;
  if (SAM_MIL_STATE) return resolve(SAM_MIL_STATE);
  if (XDG_STATE_HOME) return join(XDG_STATE_HOME, 'sam-mil');
  return join(homedir(), '.local', 'state', 'sam-mil');
}

/**
 * Makes the state folder, or a folder in it.
 * @throws SamMilError InvalidInput where this user may not: a read-only home, as in many containers
 */
export function makeStateFolder(...inside: string[]): string {
  const folder = join(stateFolder(), ...inside);
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return folder;
  } catch (cause) {
    throw new SamMilError('InvalidInput', 'the folder for the state of sam-mil cannot be written', {
      file: folder,
      found: (cause as NodeJS.ErrnoException).code,
      next: 'set SAM_MIL_STATE to a folder that this user may write to',
      cause,
    });
  }
}

/** Processes of one kind (`users` of the embedded server, `workers`), one file each named by process id. Entries of dead ones do not count. */
export function registerProcess(kind: string, facts: object = {}, pid = process.pid): void {
  const folder = makeStateFolder(kind);
  writeFileSync(join(folder, String(pid)), JSON.stringify(facts));
}

export function unregisterProcess(kind: string, pid = process.pid): void {
  rmSync(join(stateFolder(), kind, String(pid)), { force: true });
}

/** The living ones, with what each said of itself. */
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

/** An unreadable file is one that is just being written or removed. */
function readFacts(path: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}
