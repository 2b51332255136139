import type { Stats } from 'node:fs';
import { lstat, readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import { isBelow } from '../../domain/files/make-folders.js';
import type { RunScope } from '../../domain/engine/item/step-input.js';
import { planPath, runFolder } from '../../domain/engine/store/paths.js';
import { userName } from '../../domain/machine/user-name.js';

/**
 * Whose plans may run programs: `own`, those in work folders that only the worker's account can change;
 * `served`, all that it carries out; `none`.
 */
export type CommandPolicy = 'own' | 'served' | 'none';

/**
 * Which plans a worker carries out: those in work folders that only its own account can change, and those in
 * folders that it was told to serve. Whoever reaches the server can start a workflow with any path, but the
 * worker reads and writes with its own rights. Windows has no owner ids, so nothing is refused there.
 */
export class ServedFolders {
  private readonly folders: readonly string[];
  private readonly commands: CommandPolicy;

  /**
   * @param folders absolute or relative to the current folder: they and all below them, whoever owns them
   * @param commands whose plans may run programs (`pipeline.command`)
   */
  constructor(folders: readonly string[] = [], commands: CommandPolicy = 'own') {
    this.folders = folders.map((folder) => resolve(folder));
    this.commands = commands;
  }

  /**
   * Checks whose plan a run carries out, before anything in its work folder is read. A folder or file that is
   * missing is not refused.
   * @throws SamMilError Refused
   */
  async require({ work, run, plan }: Pick<RunScope, 'work' | 'run' | 'plan'>): Promise<void> {
    if (plan.path !== planPath(work, run)) {
      throw new SamMilError('Refused', "the plan is not in the run's folder", {
        file: plan.path,
        expected: planPath(work, run),
        next: 'start runs with `npx sam-mil run`',
      });
    }
    const root = await realpath(work).catch(() => undefined);
    if (root === undefined) return;
    const served = await this.isServed(root);
    for (const path of planPlaces(root, run)) {
      const found = await lstat(path).catch(() => undefined);
      if (found === undefined) return;
      if (found.isSymbolicLink()) throw refusal(work, path, 'it is a symbolic link');
      const fault = served ? undefined : await ownerFault(found);
      if (fault !== undefined) throw refusal(work, path, fault);
    }
  }

  /**
   * Checks whether a plan that is carried out may also run programs of its choice, as this worker's account.
   * @throws SamMilError Refused
   */
  async requireCommands({ work, run }: Pick<RunScope, 'work' | 'run'>): Promise<void> {
    if (this.commands === 'served') return;
    if (this.commands === 'none') throw commandRefusal(work, 'it was started with --commands none');
    for (const path of planPlaces(await realpath(work), run)) {
      const fault = await ownerFault(await lstat(path));
      if (fault !== undefined) throw commandRefusal(path, fault);
    }
  }

  private async isServed(root: string): Promise<boolean> {
    for (const folder of this.folders) {
      const real = await realpath(folder).catch(() => undefined);
      if (real !== undefined && isBelow(real, root)) return true;
    }
    return false;
  }
}

/** Everything on the way to a plan that decides who may change it. */
function planPlaces(root: string, run: string): string[] {
  return [root, join(root, '.runs'), runFolder(root, run), planPath(root, run)];
}

/**
 * Whether a worker of this account carries out plans in the folder without being told to serve it. True for a
 * folder that does not exist yet.
 */
export async function isOwnFolder(work: string): Promise<boolean> {
  for (const path of [work, join(work, '.runs')]) {
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && (await ownerFault(found)) !== undefined) return false;
  }
  return true;
}

const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;

/** Why another account than this process's can change a file or folder; undefined if none can. */
async function ownerFault({ uid, gid, mode }: Stats): Promise<string | undefined> {
  const own = process.geteuid?.();
  if (own === undefined) return undefined;
  if (uid !== own) return `it belongs to the account with id ${uid}, and this worker runs as ${own}`;
  if ((mode & OTHERS_WRITE) !== 0) return 'every account may write to it';
  if ((mode & GROUP_WRITES) !== 0 && !(await isPrivateGroup(gid))) return `group ${gid} may write to it`;
  return undefined;
}

/** With the usual umask 002, folders are writable for the user's group, in which there is nobody else. */
async function isPrivateGroup(gid: number): Promise<boolean> {
  if (gid !== process.getegid?.()) return false;
  if (gid === process.geteuid?.()) return true;
  const groups = await readFile('/etc/group', 'utf8').catch(() => '');
  const line = groups.split('\n').find((one) => one.split(':')[2] === `${gid}`);
  const [name, , , members] = line?.split(':') ?? [];
  return name === userName() && members === '';
}

function commandRefusal(file: string, found: string): SamMilError {
  return new SamMilError('Refused', 'this worker does not run the commands of this plan', {
    file,
    expected: "a work folder that belongs to the worker's account and that no other account may write to",
    found,
    next: 'if everyone who may write there may also run programs as the account of the worker, start it with --commands served',
  });
}

function refusal(work: string, path: string, found: string): SamMilError {
  return new SamMilError('Refused', 'this worker does not carry out plans in this work folder', {
    file: path,
    expected: "a work folder that belongs to the worker's account and that no other account may write to",
    found,
    next: `if you trust everyone who may write there, start the worker with --serve ${work}`,
  });
}
