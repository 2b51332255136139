import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { isatty } from 'node:tty';

/** What decides whether a command outlives its terminal. */
export interface Surroundings {
  /** Whether standard input, output and error are terminals. */
  terminals: readonly boolean[];
  /** `_` of the environment: bash and zsh put the path of the program that they start there. */
  startedAs?: string;
  /** `/proc/<parent>/status` of Linux. */
  parent?: string;
}

/**
 * Whether SIGHUP must not end a command: it was started with nohup, by a shell that ignores the signal, or
 * without any terminal. A Node process cannot ask for the disposition that nohup sets, because Node resets
 * every signal at its start; but nohup takes the terminal from all three streams on Linux, and is named in
 * the environment elsewhere.
 */
export function outlivesTerminal(surroundings: Surroundings = examine()): boolean {
  const { terminals, startedAs = '', parent = '' } = surroundings;
  if (basename(startedAs) === 'nohup' || !terminals.includes(true)) return true;
  const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(parent)?.[1];
  // The lowest bit is signal 1, SIGHUP.
  return ignored !== undefined && (BigInt(`0x${ignored}`) & 1n) === 1n;
}

function examine(): Surroundings {
  return {
    terminals: [0, 1, 2].map(isatty),
    startedAs: process.env._,
    parent: readStatus(process.ppid),
  };
}

function readStatus(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return undefined;
  }
}
