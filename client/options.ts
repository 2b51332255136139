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

export function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}
