import { CommanderError } from 'commander';
import { isDiskFull, SamMilError } from '../domain/errors.js';
import { encodeError } from '../domain/machine/threads/wire-error.js';
import { asWriteError } from '../domain/files/atomic.js';
import { createProgram } from './commands/program.js';
import {
  EXIT,
  Exit,
  exitCodeOf,
  Interrupted,
  InvalidPipelineError,
  ServerUnreachable,
} from './command-line/errors.js';
import { exitCodeWithoutReader, watchOutput } from './command-line/output.js';
import { countText } from './display/problems.js';
import { renderError } from './display/render-error.js';
import { formatTable } from './display/render-text.js';
import { wrapText } from './display/word-wrap.js';
import { stateFolder } from './server/state-folder.js';

/**
 * The command line. Sets `process.exitCode`: 0 done, 1 run failed, 2 invalid file or arguments, 3 server
 * unreachable, 130 interrupted, 141 output not read to its end.
 */
export async function main(args: readonly string[]): Promise<void> {
  watchOutput();
  const debug = args.includes('--debug');
  const rest = args.filter((arg) => arg !== '--debug');
  try {
    if (asksForVersions(rest)) return await printVersions();
    const program = await createProgram(rest);
    await program.parseAsync(rest, { from: 'user' });
  } catch (raised) {
    const error = asFileError(asServerError(raised));
    report(error, debug);
    const code = exitCodeOf(error);
    // A run that was followed to its end has already printed its object.
    const printed = code === EXIT.ok || error instanceof Exit;
    if (!printed && args.includes('--json') && FOLLOWING.has(args[0]))
      console.log(JSON.stringify(resultWithoutRun(error)));
    process.exitCode = exitCodeWithoutReader(code);
    // Abandoned work, such as a download, would keep the process alive.
    if (error instanceof Interrupted) process.exit();
  }
}

function asksForVersions(args: readonly string[]): boolean {
  return args.length === 2 && args.includes('--version') && args.includes('--verbose');
}

async function printVersions(): Promise<void> {
  const { listVersions } = await import('./set-up/versions.js');
  console.log(formatTable(await listVersions()).join('\n'));
}

/** Commands whose `--json` output ends with an object that says how the run ended. */
const FOLLOWING = new Set(['run', 'resume', 'quickstart', 'skip']);

/** The last object when there is no run, so that a script always finds `status` on the last line. */
function resultWithoutRun(error: unknown): object {
  const { code, what, facts } = encodeError(error);
  const status = STATUS_OF_EXIT[exitCodeOf(error)] ?? 'failed';
  return { run: null, status, work: null, stages: [], failed: [], error: { code, what, facts } };
}

const STATUS_OF_EXIT: Partial<Record<number, string>> = {
  [EXIT.invalid]: 'invalid',
  [EXIT.unreachable]: 'unreachable',
  [EXIT.interrupted]: 'interrupted',
};

/**
 * Temporal's error for a call that the server did not answer, recognized by its name because loading
 * Temporal's client takes longer than most commands.
 */
function asServerError(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'ServiceError') return error;
  const { details } = (error.cause ?? {}) as { details?: string };
  return new ServerUnreachable(
    `the Temporal server did not answer: ${details || error.message}`,
    'check that it is running, then repeat the command; runs continue meanwhile',
    error,
  );
}

/**
 * Any write of a command may be the one that finds the disk full, and any file may be unreadable, or a folder
 * where a file should be.
 */
function asFileError(error: unknown): unknown {
  const { path, code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (isDiskFull(error))
    return asWriteError(error, path ?? `the disk of the work folder (--work) or of ${stateFolder()}`);
  if (error instanceof SamMilError || path === undefined || syscall === undefined) return error;
  return new SamMilError('InvalidInput', `cannot be used (${code ?? 'unknown reason'})`, {
    file: path,
    next: 'check that it is what its name says, a file or a folder, and that this user may read and write it',
    cause: error,
  });
}

/**
 * Prints what is wrong, where, and what to do next. Commander and finished commands have already printed
 * their errors.
 */
function report(error: unknown, debug: boolean): void {
  if (error instanceof Exit || error instanceof Interrupted || error instanceof CommanderError) return;
  // The command has already shown each problem with its place.
  if (error instanceof InvalidPipelineError)
    return console.error(`\nsam-mil: ${error.file} cannot run: ${countText(error.problems)}`);
  const known = error instanceof SamMilError;
  const [first, ...facts] = renderError(encodeError(error));
  const fault = known || debug ? '' : ' (a bug in sam-mil; --debug shows the stack trace)';
  console.error(wrapText([`sam-mil: ${first}${fault}`, ...facts].join('\n'), process.stderr));
  if (debug && error instanceof Error) console.error(error.stack);
}
