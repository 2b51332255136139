import { Command } from 'commander';
import { skipUpdate } from '../../workflows/messages.js';
import { addServerOptions } from '../options.js';
import { controlRun, type ControlOptions } from './control.js';

export function createCommand(): Command {
  const command = new Command('skip')
    .description('Let a held run go on without a stage (with the items it has), or without one item')
    .argument('<run>', 'run, or the beginning of its name')
    .argument('<target>', 'STAGE or STAGE@ITEM')
    .option('--work <folder>', 'work folder of a run that was started elsewhere');
  return addServerOptions(command).action((name: string, target: string, options: ControlOptions) =>
    controlRun(name, options, (client, run) =>
      client.workflow.getHandle(run).executeUpdate(skipUpdate, { args: [{ target }] }),
    ),
  );
}
