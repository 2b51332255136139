import { Command } from 'commander';
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
import { checkInputs } from '../run/preflight.js';
import { loadPlan, type LoadedPlan } from './load-plan.js';
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

/**
 * Runs a plan to its end, after its inputs were checked. Throws {@link Exit} unless the run succeeded.
 * @throws SamMilError InvalidInput for faults that are found before the work
 */
export async function runPlan(selected: LoadedPlan, options: RunOptions): Promise<void> {
  const { plan, items } = selected;
  const { force, prefix, json } = options;
  await checkInputs(selected, options, (line) => (json ? undefined : console.log(line)));
  await showRun(
    options,
    (controllerOptions) => RunController.open(plan, { ...controllerOptions, prefix }),
    (controller) => controller.start({ items, force }, options.new),
  );
}
