import { Command } from 'commander';
import { addFollowOptions, collect } from '../command-line/options.js';
import { RunController } from '../run/controller.js';
import { findRun } from '../run/run-index.js';
import { showRun, type FollowOptions } from './show-run.js';

interface ResumeOptions extends FollowOptions {
  work?: string;
  stage?: string[];
  anew?: boolean;
}

export function createCommand(): Command {
  const command = new Command('resume')
    .description(
      'Continue a run: a held one retries what failed, a paused one continues, an ended or lost one restarts (up-to-date steps are skipped)',
    )
    .argument('[run]', 'run, or the beginning of its name', 'latest')
    .option('--work <folder>', 'work folder of a run that was started elsewhere')
    .option('--stage <name>', 'retry only this held stage; may be given several times', collect)
    .option('--anew', 'end an open run and start it anew from its plan');
  return addFollowOptions(command).action(resume);
}

async function resume(name: string, options: ResumeOptions): Promise<void> {
  const { work, stage: stages, anew, ...followOptions } = options;
  const entry = findRun(name, work);
  await showRun(
    followOptions,
    (controllerOptions) => RunController.reopen(entry, controllerOptions, options.plugin),
    (controller) =>
      anew
        ? controller.restart(entry, 'requested')
        : controller.resume(entry, stages === undefined ? {} : { stages }),
  );
}
