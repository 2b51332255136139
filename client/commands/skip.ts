import { Command } from 'commander';
import { addFollowOptions } from '../command-line/options.js';
import { RunController } from '../run/controller.js';
import { findRun } from '../run/run-index.js';
import { refuseEnded } from '../run/run-state.js';
import { refuseUnknownTarget } from '../run/run-target.js';
import { showRun, type FollowOptions } from './show-run.js';

export function createCommand(): Command {
  const command = new Command('skip')
    .description('Continue a held run without one item, or accept a held stage with the items it has')
    .argument('<run>', 'run name, the start of one, or latest')
    .argument('<target>', 'STAGE or STAGE@ITEM')
    .option('--work <folder>', 'work folder of a run that was started elsewhere');
  return addFollowOptions(command).action(skip);
}

async function skip(
  name: string,
  target: string,
  { work, ...options }: FollowOptions & { work?: string },
): Promise<void> {
  const entry = findRun(name, work);
  refuseEnded(entry);
  await refuseUnknownTarget(entry, target);
  await showRun(
    options,
    (controllerOptions) => RunController.reopen(entry, controllerOptions, options.plugin),
    (controller) => controller.skip(entry, target),
  );
}
