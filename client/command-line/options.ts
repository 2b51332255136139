import { InvalidArgumentError, type Command } from 'commander';

/** Options of every command that talks to Temporal; see {@link ServerChoice}. */
export function addServerOptions(command: Command): Command {
  return command
    .option(
      '--address <host:port>',
      'Temporal server to use (default: TEMPORAL_ADDRESS, else the profile, else the embedded one)',
    )
    .option('--namespace <name>', 'Temporal namespace')
    .option('--profile <name>', "profile of Temporal's configuration file, with address, TLS and API key");
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

/** `--plugin` is added by the commands themselves: those that run have it already. */
export function addFileOptions(command: Command): Command {
  return command
    .option('--set <name=value>', 'value of a param; may be given several times', collect)
    .option('--params-file <file>', 'YAML file of param values')
    .option('--work <folder>', 'work folder, over the one of the file (default: ./work/<pipeline name>)');
}

export interface SelectionOptions {
  only?: string[];
  until?: string[];
  from?: string[];
  force?: string[];
}

/** Options that choose a part of a pipeline; each may be given several times. */
export function addSelectionOptions(command: Command): Command {
  return command
    .option('--only <target>', 'only this STAGE or STAGE@ITEM; what it needs must stand already', collect)
    .option('--until <stage>', 'this stage and all that it needs', collect)
    .option(
      '--from <stage>',
      'this stage and all that needs it; what comes before must stand already',
      collect,
    )
    .option('--force <target>', 'do again in spite of receipts: STAGE, STAGE@ITEM or *', collect);
}

export function addPrefixOption(command: Command): Command {
  return command.option('--prefix <prefix>', 'prefix of the task queues (default: sam-mil)');
}

/** Options of the commands that show a run to its end; see FollowOptions. */
export function addFollowOptions(command: Command): Command {
  return addPluginOption(addServerOptions(command))
    .option('--no-worker', 'start no local worker')
    .option('--worker', 'start a local worker also where the server is not the embedded one')
    .option('--json', 'one JSON object a line; the last is {run, status, work, stages, failed}');
}

export function addPluginOption(command: Command): Command {
  return command.option(
    '--plugin <name>',
    'package, or path of a module, with more activities or models; may be given several times',
    collect,
  );
}
