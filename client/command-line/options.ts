import { InvalidArgumentError, Option, type Command } from 'commander';

/** Ends a group of options in the help text: those that follow are listed without one. */
const NO_GROUP = '';

/** Adds the options of every command that connects to Temporal; see {@link ServerChoice}. */
export function addServerOptions(command: Command): Command {
  return command
    .optionsGroup('Server:')
    .option(
      '--address <host:port>',
      'Temporal server (default: TEMPORAL_ADDRESS, then the profile, then the embedded server)',
    )
    .option('--namespace <name>', 'Temporal namespace')
    .option('--profile <name>', "profile in Temporal's configuration file (address, TLS, API key)")
    .optionsGroup(NO_GROUP);
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new InvalidArgumentError('expected 1 to 65535');
  return port;
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0) throw new InvalidArgumentError('expected a whole number');
  return count;
}

export function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}

/** Commands add `--plugin` themselves, because those that follow a run already have it. */
export function addFileOptions(command: Command): Command {
  return command
    .optionsGroup('Values:')
    .option('--set <name=value>', 'set a param; repeatable', collect)
    .option('--params-file <file>', 'YAML file with param values')
    .option('--work <folder>', 'work folder; overrides the one in the file (default: ./work/<pipeline name>)')
    .optionsGroup(NO_GROUP);
}

export interface SelectionOptions {
  only?: string[];
  until?: string[];
  from?: string[];
  force?: string[];
}

/** Adds the options that select part of a pipeline; each is repeatable. */
export function addSelectionOptions(command: Command): Command {
  return command
    .optionsGroup('Part of the pipeline:')
    .option('--only <target>', 'run only this STAGE or STAGE@ITEM; what it needs must be up to date', collect)
    .option('--until <stage>', 'run this stage and everything it needs', collect)
    .option(
      '--from <stage>',
      'run this stage and everything that needs it; earlier stages must be up to date',
      collect,
    )
    .option('--force <target>', 'run again even if up to date: STAGE, STAGE@ITEM, or *', collect)
    .optionsGroup(NO_GROUP);
}

export function addPrefixOption(command: Command): Command {
  return command.option('--prefix <prefix>', 'task queue prefix (default: sam-mil)');
}

/** Adds the options of commands that follow a run to its end; see FollowOptions. */
export function addFollowOptions(command: Command): Command {
  return (
    addPluginOption(addServerOptions(command))
      // In this order: the negative form alone would make a local worker the default for every server.
      .option('--worker', 'start a local worker even if the server is not the embedded one')
      .option('--no-worker', 'do not start a local worker')
      .option(
        '--take-over',
        'take the work folder from a run on another server that is gone for good; its steps publish nothing more',
      )
      .option(
        '--json',
        'print one JSON object per line; the last one is {run, status, work, stages, failed, resources}',
      )
  );
}

export function addReplaceOption(command: Command): Command {
  return command.option(
    '--replace',
    'terminate another run that is at work in the work folder; its finished work is kept',
  );
}

/** Adds the formats of a command that prints a table. */
export function addTableOptions(command: Command, json: string): Command {
  return command
    .addOption(new Option('--md', 'print a Markdown table').conflicts(['csv', 'json']))
    .addOption(new Option('--csv', 'print comma-separated values').conflicts('json'))
    .option('--json', json);
}

export function addPluginOption(command: Command): Command {
  return command.option(
    '--plugin <name>',
    'package name or module path that adds activities or models; repeatable',
    collect,
  );
}
