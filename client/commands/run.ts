import { Command } from 'commander';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { executeRun, type ExecuteOptions } from '../run/execute-run.js';
import { addFileOptions, loadPlan, type FileOptions } from '../run/load-file.js';
import {
  addSelectionOptions,
  addExecuteOptions,
  selectionOf,
  type SelectionOptions,
} from '../command-line/options.js';
import { makeRunsFolder } from '../../domain/engine/store/runs-folder.js';
import { continueOrStart } from '../run/start-or-continue.js';
import { checkForced, selectStages } from '../../domain/engine/language/select-stages.js';

export interface RunOptions extends FileOptions, ExecuteOptions, SelectionOptions {
  new?: boolean;
}

export function createCommand(): Command {
  const command = new Command('run')
    .description('Run a pipeline and show it to its end; what receipts prove done is not done again')
    .argument('<file>', 'pipeline file');
  return addRunOptions(command).action(async (file: string, options: RunOptions) => {
    const { plan } = await loadPlan(file, options);
    await runPlan(plan, options);
  });
}

export function addRunOptions(command: Command): Command {
  return addSelectionOptions(addExecuteOptions(addFileOptions(command))).option(
    '--new',
    'start a new run even if one of this work folder is open',
  );
}

/** Runs a plan to its end. Throws Exit unless it ended well. */
export async function runPlan(whole: Plan, options: RunOptions): Promise<void> {
  checkForced(whole, options.force);
  const { plan, items } = selectStages(whole, selectionOf(options));
  await makeRunsFolder(plan.work); // refused before a server is started
  const { force, plugin: plugins } = options;
  await executeRun(plan, options, (session, display) =>
    continueOrStart(session, display, plan, { items, force, plugins, fresh: options.new === true }),
  );
}
