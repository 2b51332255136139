import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * A process as Linux's /proc shows it. Trials find theirs by a mark in the environment, which is inherited.
 */
export interface ProcessFacts {
  pid: number;
  parent: number;
  /** Arguments, separated by spaces. */
  command: string;
}

const MARK = 'SAM_MIL_TRIAL';

export function markEnvironment(mark: string): NodeJS.ProcessEnv {
  return { [MARK]: mark };
}

/** The running processes whose mark is `mark` or starts with `mark/`. */
export function markedProcesses(mark: string): ProcessFacts[] {
  return allProcesses().filter(({ pid }) => {
    const own = readProc(pid, 'environ')
      .split('\0')
      .find((entry) => entry.startsWith(`${MARK}=`))
      ?.slice(MARK.length + 1);
    return own !== undefined && (own === mark || own.startsWith(`${mark}/`));
  });
}

/** Children of a process, their children, and so on. */
export function descendantsOf(pid: number): number[] {
  const all = allProcesses();
  const found = [pid];
  for (const parent of found) {
    found.push(...all.filter((process) => process.parent === parent).map((process) => process.pid));
  }
  return found.slice(1);
}

/** TCP ports on which one of the processes listens. */
export function listeningPorts(pids: readonly number[]): number[] {
  const sockets = new Set(pids.flatMap(socketsOf));
  const lines = ['tcp', 'tcp6'].flatMap((name) => readText(`/proc/net/${name}`).trim().split('\n').slice(1));
  const ports = lines.flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    const listens = state === '0A' && sockets.has(inode);
    return listens ? [Number.parseInt(local.split(':')[1], 16)] : [];
  });
  return [...new Set(ports)].sort((a, b) => a - b);
}

/** Sends a signal; returns false if the process is gone. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function allProcesses(): ProcessFacts[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readFacts(Number(name)) ?? []);
}

/** A zombie has ended; only its parent has not noticed yet. */
function readFacts(pid: number): ProcessFacts | undefined {
  const stat = readProc(pid, 'stat');
  const [state, parent] = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
  if (stat === '' || state === 'Z') return undefined;
  return { pid, parent: Number(parent), command: readProc(pid, 'cmdline').replaceAll('\0', ' ').trim() };
}

function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap(
      (name) => /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`))?.[1] ?? [],
    );
  } catch {
    return [];
  }
}

function readProc(pid: number, name: string): string {
  return readText(`/proc/${pid}/${name}`);
}

/** A process may end at any moment, and other users' are not readable. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
