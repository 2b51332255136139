import { Command } from 'commander';
import type { Plan } from '../../domain/language/plan.js';
import { executeRun, type ExecuteOptions } from '../execute-run.js';
import { addFileOptions, loadPlan, type FileOptions } from '../load-file.js';
import { addSelectionOptions, addServerOptions, selectionOf, type SelectionOptions } from '../options.js';
import { continueOrStart } from '../start-or-continue.js';
import { selectStages } from '../../domain/language/select-stages.js';

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
  return addSelectionOptions(addServerOptions(addFileOptions(command)))
    .option('--new', 'start a new run even if one of this work folder is open')
    .option('--no-worker', 'start no local worker')
    .option('--worker', 'start a local worker also where the server is not the embedded one')
    .option('--json', 'one JSON object a line; the last is {run, status, work, stages, failed}');
}

/** Runs a plan to its end. Throws Exit unless it ended well. */
export async function runPlan(whole: Plan, options: RunOptions): Promise<void> {
  const { plan, items } = selectStages(whole, selectionOf(options));
  await executeRun(plan, options, (session, display) =>
    continueOrStart(session, display, plan, { items, force: options.force, fresh: options.new === true }),
  );
}
