import { Command } from 'commander';
import { skipUpdate } from '../../workflows/messages.js';
import type { ExecuteOptions } from '../run/execute-run.js';
import { askStatusPatiently } from '../run/follow.js';
import { addExecuteOptions } from '../command-line/options.js';
import { requireOpen } from './control.js';
import { continueRun } from './resume.js';

export function createCommand(): Command {
  const command = new Command('skip')
    .description('Let a held run go on without a stage (with the items it has), or without one item')
    .argument('<run>', 'run, the beginning of its name, or latest')
    .argument('<target>', 'STAGE or STAGE@ITEM')
    .option('--work <folder>', 'work folder of a run that was started elsewhere');
  return addExecuteOptions(command).action(skip);
}

async function skip(
  name: string,
  target: string,
  options: ExecuteOptions & { work?: string },
): Promise<void> {
  await continueRun(name, options, async (session, display, entry) => {
    await requireOpen(session.client, entry);
    const onReady = async () => {
      await askStatusPatiently(session.client, entry.run);
      await session.client.workflow.getHandle(entry.run).executeUpdate(skipUpdate, { args: [{ target }] });
      display.line(`going on without ${target}`);
    };
    return { entry, onReady };
  });
}
