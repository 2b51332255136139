import { mkdtempSync, readFileSync, readlinkSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isProcessAlive } from './file-lock.js';

/** What identifies a process for as long as its files may exist. */
interface Owner {
  host: string;
  /** Number of its process-id namespace: containers that share a folder count their processes separately. */
  namespace: string;
  pid: number;
  /** Start time in clock ticks since boot, because process ids are reused. 0 if the system has no /proc. */
  start: string;
}

/**
 * Creates a folder in `parent` that belongs to this process, readable by this user only. Its name says which
 * process that is, so that {@link removeDeadFolders} can remove it after a kill.
 */
export function makeProcessFolder(parent: string, prefix: string): string {
  const { host, namespace, pid, start } = thisProcess();
  return mkdtempSync(join(parent, [`${prefix}${host}`, namespace, pid, start, ''].join('-')));
}

/**
 * Removes the folders in `parent` whose process has died: those that {@link makeProcessFolder} created with
 * this prefix, on this host, for this user. Never throws.
 */
export async function removeDeadFolders(parent: string, prefix: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    const owner = ownerOf(name, prefix);
    if (owner === undefined || !isDead(owner)) continue;
    const path = join(parent, name);
    const found = await lstat(path).catch(() => undefined);
    const own = found?.isDirectory() === true && found.uid === (process.getuid?.() ?? found.uid);
    if (own) await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

function ownerOf(name: string, prefix: string): Owner | undefined {
  if (!name.startsWith(prefix)) return undefined;
  const [, host, namespace, pid, start] =
    /^(.*)-(\d+)-(\d+)-(\d+)-\w{6}$/.exec(name.slice(prefix.length)) ?? [];
  return host === undefined ? undefined : { host, namespace, pid: Number(pid), start };
}

/** Processes of other hosts and containers cannot be examined, so they never count as dead. */
function isDead({ host, namespace, pid, start }: Owner): boolean {
  if (host !== hostname() || namespace !== processNamespace()) return false;
  return !isProcessAlive(pid) || startOf(pid) !== start;
}

function thisProcess(): Owner {
  return {
    host: hostname(),
    namespace: processNamespace(),
    pid: process.pid,
    start: startOf(process.pid),
  };
}

function processNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}

function startOf(pid: number): string {
  try {
    // The name of the program, in parentheses, may contain spaces and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return '0';
  }
}
