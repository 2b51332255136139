import { Command, Help, type Option } from 'commander';
import { packageVersion } from '../../domain/package-root.js';
import { wrapText } from '../display/word-wrap.js';
import { addHelp, helpOrder } from './help.js';
import { COMMANDS } from './table.js';

/** Follows each error in the arguments. */
const HELP_HINT = '  next     see `npx sam-mil --help` or `npx sam-mil COMMAND --help`';

/**
 * The command line as far as the arguments need it: only the requested command's module is loaded, so that
 * `validate` does not wait for Temporal's client to load.
 */
export async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('sam-mil')
    .description(
      'Durable computational-pathology pipelines, from slides to features to cross-validated MIL models',
    )
    .version(packageVersion(), '--version', 'print the version of sam-mil')
    .option('--verbose', 'with --version: also the commit, and the versions of what sam-mil runs on')
    .option('--debug', 'show stack traces')
    .configureHelp({ groupItems: optionsFirst })
    .commandsGroup('This installation:')
    .showSuggestionAfterError()
    .showHelpAfterError(HELP_HINT)
    .configureOutput({ outputError: (text, write) => write(wrapText(text, process.stderr)) })
    .helpCommand(true)
    .exitOverride();
  for (const name of namesFor(args)) {
    const module = await COMMANDS[name]();
    program.addCommand(inherit(addHelp(module.createCommand()), program));
  }
  return program.addHelpText('after', NEXT);
}

const NEXT = `
npx sam-mil init            # writes a pipeline for your slides
npx sam-mil COMMAND --help  # shows the options of a command, and examples`;

function namesFor(args: readonly string[]): string[] {
  const verb = args.find((arg) => !arg.startsWith('-'));
  // The script names every command.
  return verb !== undefined && verb !== 'completion' && verb in COMMANDS
    ? [verb]
    : helpOrder(Object.keys(COMMANDS));
}

function inherit(command: Command, from: Command): Command {
  // The command `help` of the program belongs to one of its groups.
  command.copyInheritedSettings(from).helpCommand(false);
  for (const subcommand of command.commands) inherit(subcommand, command);
  return command;
}

/** Lists what belongs to the command alone before the groups that it shares with other commands. */
function optionsFirst<T extends Command | Option>(
  unsorted: T[],
  visible: T[],
  headingOf: (item: T) => string,
): Map<string, T[]> {
  const groups = new Help().groupItems(unsorted, visible, headingOf);
  const own = [...groups].filter(([heading]) => heading === 'Options:');
  return new Map([...own, ...groups]);
}
