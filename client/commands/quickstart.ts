import { join } from 'node:path';
import { Command } from 'commander';
import { packageRoot } from '../../domain/package-root.js';
import { chooseServer } from '../server/connect.js';
import { listRequiredParts, SERVER, setUpNatives } from '../set-up/set-up-natives.js';
import { loadPlan } from './load-plan.js';
import { addRunOptions, runPlan, type RunOptions } from './run.js';

const FILE = join(packageRoot(), 'pipelines', 'quickstart.yaml');

export function createCommand(): Command {
  const command = new Command('quickstart').description(
    'Set up this machine and run pipelines/quickstart.yaml on bundled tissue (same as `npm start`)',
  );
  return addRunOptions(command).action(quickstart);
}

async function quickstart(options: RunOptions): Promise<void> {
  const selected = await loadPlan(FILE, options);
  // Parts are set up concurrently: building the server, the slowest, and the downloads wait for different
  // things.
  const { kind } = await chooseServer(options);
  const parts = listRequiredParts(selected.plan, selected.registry);
  if (kind === 'embedded') parts.push(SERVER);
  await setUpNatives(parts, (line) => console.error(`  ${line}`));
  // A local worker is the default for an external server too: it may have none, and a quickstart should not
  // wait.
  await runPlan(selected, { ...options, worker: options.worker ?? true });
}
