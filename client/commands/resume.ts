import { Command } from 'commander';
import { addFollowOptions, addReplaceOption, collect } from '../command-line/options.js';
import { continueRun } from '../run/continue-run.js';
import { RunController } from '../run/controller.js';
import { findRun } from '../run/run-index.js';
import { showRun, type FollowOptions } from './show-run.js';

interface ResumeOptions extends FollowOptions {
  work?: string;
  stage?: string[];
  restart?: boolean;
}

export function createCommand(): Command {
  const command = new Command('resume')
    .description(
      'Resume a run: a held run retries what failed, a paused run continues, an ended or lost run restarts (up-to-date steps are skipped)',
    )
    .argument('[run]', 'run name, or the start of one', 'latest')
    .option('--work <folder>', 'work folder of a run that was started elsewhere')
    .option('--stage <name>', 'retry only this held stage; repeatable', collect)
    .option('--restart', 'terminate an open run and restart it from its plan');
  return addReplaceOption(addFollowOptions(command)).action(resume);
}

async function resume(name: string, options: ResumeOptions): Promise<void> {
  const { work, stage: stages, restart, ...followOptions } = options;
  const entry = findRun(name, work);
  const say = (line: string) => (options.json ? undefined : console.log(line));
  await showRun(
    followOptions,
    (controllerOptions) => RunController.reopen(entry, controllerOptions, options.plugin),
    (controller) => continueRun(controller, entry, { server: options, stages, restart }, say),
  );
}
