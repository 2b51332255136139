import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { isatty } from 'node:tty';
import { isDiskFull } from '../../domain/errors.js';
import { EXIT } from './errors.js';
import { outlivesTerminal } from './hangup.js';
import { interruptCommand } from './interrupt.js';

/** Shells report 128 + 13 for a command that SIGPIPE ended; Node ignores that signal. */
const READER_LEFT = 141;

const STOPPING =
  'sam-mil: the output is no longer read, so this command stops as on Ctrl-C; `npx sam-mil resume` continues a run';

let readerLeft = false;

/**
 * Watches for output that cannot be written any more. No process dies of it, because a run must be paused and
 * its worker and server stopped first:
 *
 * - The reader has closed the pipe (`sam-mil run FILE | head`): the command winds down as on Ctrl-C.
 * - The terminal is gone (EIO): the same, unless the command outlives its terminal.
 * - The disk of a log is full: the lines are lost, and the steps of a worker report the problem.
 */
export function watchOutput(): void {
  process.stdout.on('error', outputLost);
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.syscall === undefined) throw error;
  });
  const terminals = [0, 1, 2].filter(isatty);
  process.once('exit', () => terminals.filter((descriptor) => !isatty(descriptor)).forEach(replace));
}

/**
 * Puts the null device in place of a terminal that is gone: Node restores the settings of its terminals when
 * it exits, and aborts if it cannot.
 */
function replace(descriptor: number): void {
  closeSync(descriptor);
  // The system gives the lowest free number, which is the one that was just closed.
  openSync(devNull, 'r+');
}

function outputLost(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE' || error.code === 'ECONNRESET') {
    readerLeft = true;
    process.exitCode = exitCodeWithoutReader(Number(process.exitCode ?? EXIT.ok));
    if (interruptCommand()) console.error(STOPPING);
  } else if (error.code === 'EIO' && process.stdout.isTTY) {
    if (!outlivesTerminal()) interruptCommand();
  } else if (isDiskFull(error)) {
    process.exitCode ??= EXIT.failed;
  } else {
    throw error;
  }
}

/** The exit code of a command whose output nobody read to its end; others keep theirs. */
export function exitCodeWithoutReader(code: number): number {
  return readerLeft && (code === EXIT.ok || code === EXIT.interrupted) ? READER_LEFT : code;
}
