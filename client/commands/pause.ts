import { Command } from 'commander';
import { pauseUpdate } from '../../workflows/messages.js';
import { addServerOptions } from '../command-line/options.js';
import { controlRun, type ControlOptions } from './control.js';

export function createCommand(): Command {
  const command = new Command('pause')
    .description('Let no new item of a run start; items at work go on to their end')
    .argument('[run]', 'run, or the beginning of its name', 'latest')
    .option('--work <folder>', 'work folder of a run that was started elsewhere');
  return addServerOptions(command).action((name: string, options: ControlOptions) =>
    controlRun(name, options, (client, run) => client.workflow.getHandle(run).executeUpdate(pauseUpdate)),
  );
}
