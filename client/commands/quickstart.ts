import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { loadPlan } from '../load-file.js';
import { setUpNatives } from '../set-up-natives.js';
import { addRunOptions, runPlan, type RunOptions } from './run.js';

/** The compiled command lies in dist/client/commands; the pipeline beside the sources. */
const FILE = fileURLToPath(new URL('../../../pipelines/quickstart.yaml', import.meta.url));

export function createCommand(): Command {
  const command = new Command('quickstart').description(
    'Set up this machine and run pipelines/quickstart.yaml on bundled tissue (this is `npm start`)',
  );
  return addRunOptions(command).action(quickstart);
}

async function quickstart(options: RunOptions): Promise<void> {
  const { plan } = await loadPlan(FILE, options);
  // All at once, since the slowest part (building the server) and the others wait for different things.
  await setUpNatives(['server', 'tensorflow', 'openslide', 'weights'], (line) => console.error(`  ${line}`));
  await runPlan(plan, options);
}
