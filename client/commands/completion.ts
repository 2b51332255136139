import { Argument, Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../command-line/completion-script.js';

export function createCommand(): Command {
  return new Command('completion')
    .description('Print a script with which a shell completes commands, options, names of runs and files')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell, _options: object, command: Command) => {
      process.stdout.write(completionScript(shell, command.parent ?? command));
    });
}
