import { readdirSync, readFileSync } from 'node:fs';

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

/** A process may end at any moment, and other users' are not readable. */
function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
