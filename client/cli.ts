import { Command, CommanderError } from 'commander';
import { isDiskFull, SamMilError } from '../domain/errors.js';
import { encodeError } from '../domain/machine/threads/wire-error.js';
import { asWriteError } from '../domain/files/atomic.js';
import { COMMANDS } from './commands/table.js';
import { EXIT, Exit, exitCodeOf, Interrupted, InvalidPipelineError } from './command-line/errors.js';
import { countText } from './display/problems.js';
import { renderError } from './display/render-error.js';
import { stateFolder } from './server/state-folder.js';

/**
 * The command line. Only the module of the verb that was asked for is loaded, so `validate` does not wait for Temporal's client. Sets
 * `process.exitCode`: 0 done, 1 run failed, 2 invalid file or arguments, 3 server unreachable.
 */
export async function main(args: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', outputLost);
  const debug = args.includes('--debug');
  const rest = args.filter((arg) => arg !== '--debug');
  try {
    const program = await createProgram(rest);
    await program.parseAsync(rest, { from: 'user' });
  } catch (raised) {
    const error = fullDiskByName(raised);
    report(error, debug);
    const code = exitCodeOf(error);
    // A run that was followed to its end has printed its object already.
    const printed = code === EXIT.ok || error instanceof Exit;
    if (!printed && args.includes('--json') && FOLLOWING.has(args[0]))
      console.log(JSON.stringify(unfinished(error)));
    process.exitCode = code;
    // What was given up, such as a download, would keep the process alive.
    if (error instanceof Interrupted) process.exit();
  }
}

/**
 * Whoever reads our output may stop reading: `sam-mil ls | head -1`. And it may go into a file on a disk that is full, as a worker's log in the work
 * folder: a worker must outlive that, so that its steps can say what is the matter, and go on when there is room again.
 */
function outputLost(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(process.exitCode);
  if (!isDiskFull(error)) throw error;
  process.exitCode ??= EXIT.failed;
}

async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('sam-mil')
    .description(
      'Durable computational-pathology pipelines: slides to features to cross-validated MIL models',
    )
    .option('--debug', 'show stack traces')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: true })
    .showSuggestionAfterError()
    .helpCommand(true)
    .exitOverride();
  const verb = args.find((arg) => !arg.startsWith('-'));
  const wanted = verb !== undefined && verb in COMMANDS ? [verb] : Object.keys(COMMANDS);
  for (const name of wanted) {
    const module = await COMMANDS[name]();
    program.addCommand(inherit(module.createCommand()));
  }
  return program;
}

function inherit(command: Command): Command {
  command.commands.forEach(inherit);
  return command.exitOverride().showSuggestionAfterError();
}

/** Commands whose `--json` promises a last object that says how the run ended. */
const FOLLOWING = new Set(['run', 'resume', 'quickstart', 'skip']);

/** That object where there is no run, so that a script finds `status` on the last line in any case. */
function unfinished(error: unknown): object {
  const { code, what, facts } = encodeError(error);
  const status = STATUS_OF_EXIT[exitCodeOf(error)] ?? 'failed';
  return { run: null, status, work: null, stages: [], failed: [], error: { code, what, facts } };
}

const STATUS_OF_EXIT: Partial<Record<number, string>> = {
  [EXIT.invalid]: 'invalid',
  [EXIT.unreachable]: 'unreachable',
  [EXIT.interrupted]: 'interrupted',
};

/** The commands write here and there, and each of these writes may be the one that finds the disk full. */
function fullDiskByName(error: unknown): unknown {
  if (!isDiskFull(error)) return error;
  const { path } = error as NodeJS.ErrnoException;
  return asWriteError(error, path ?? `the disk of the work folder (--work) or of ${stateFolder()}`);
}

/** What, where, what next. Commander and finished commands have printed theirs already. */
function report(error: unknown, debug: boolean): void {
  if (error instanceof Exit || error instanceof Interrupted || error instanceof CommanderError) return;
  // The command has shown each problem with its place.
  if (error instanceof InvalidPipelineError)
    return console.error(`\nsam-mil: ${error.file} cannot run: ${countText(error.problems)}`);
  const known = error instanceof SamMilError;
  const [first, ...facts] = renderError(encodeError(error));
  const fault = known || debug ? '' : ' (a bug in sam-mil; --debug shows where)';
  console.error([`sam-mil: ${first}${fault}`, ...facts].join('\n'));
  if (debug && error instanceof Error) console.error(error.stack);
}
