import { Command } from 'commander';
import type { SelectedPlan } from '../../domain/engine/language/select-stages.js';
import {
  addFileOptions,
  addFollowOptions,
  addPrefixOption,
  addReplaceOption,
  addSelectionOptions,
  type SelectionOptions,
} from '../command-line/options.js';
import { RunController } from '../run/controller.js';
import type { FileOptions } from '../run/load-file.js';
import { loadPlan } from './load-plan.js';
import { showRun, type FollowOptions } from './show-run.js';

export interface RunOptions extends FileOptions, FollowOptions, SelectionOptions {
  /** Prefix of the task queues. */
  prefix?: string;
  new?: boolean;
}

export function createCommand(): Command {
  const command = new Command('run')
    .description('Run a pipeline and follow it to its end; up-to-date steps are skipped')
    .argument('<file>', 'pipeline file');
  return addRunOptions(command).action(async (file: string, options: RunOptions) => {
    await runPlan(await loadPlan(file, options), options);
  });
}

export function addRunOptions(command: Command): Command {
  return addPrefixOption(
    addReplaceOption(addSelectionOptions(addFollowOptions(addFileOptions(command)))),
  ).option('--new', 'start a new run even if the same one is open in this work folder');
}

/** Runs a plan to its end. Throws {@link Exit} unless the run succeeded. */
export async function runPlan({ plan, items }: SelectedPlan, options: RunOptions): Promise<void> {
  const { force, prefix } = options;
  await showRun(
    options,
    (controllerOptions) => RunController.open(plan, { ...controllerOptions, prefix }),
    (controller) => controller.start({ items, force }, options.new),
  );
}
