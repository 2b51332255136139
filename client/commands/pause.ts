import { Command } from 'commander';
import { SamMilError } from '../../domain/errors.js';
import { addServerOptions } from '../command-line/options.js';
import { refuseCopied } from '../run/home.js';
import { RemoteRun } from '../run/remote-run.js';
import { findRun } from '../run/run-index.js';
import { refuseEnded } from '../run/run-state.js';
import { openSession, type ServerChoice } from '../server/connect.js';

const ANSWER_MILLISECONDS = 60_000;

export function createCommand(): Command {
  const command = new Command('pause')
    .description('Pause a run: no new items start; running items finish')
    .argument('[run]', 'run name, or the start of one', 'latest')
    .option('--work <folder>', 'work folder of a run that was started elsewhere');
  return addServerOptions(command).action(pause);
}

async function pause(name: string, options: ServerChoice & { work?: string }): Promise<void> {
  const entry = findRun(name, options.work);
  const { run } = entry;
  refuseEnded(entry);
  const session = await openSession(options, { start: false, log: () => undefined });
  try {
    const remote = new RemoteRun(session.client, run);
    await remote.requireOpen();
    await refuseCopied(entry);
    const { message } = await remote.pause(ANSWER_MILLISECONDS);
    console.log(`${run}  ${message}`);
  } catch (error) {
    throw explained(error, run);
  } finally {
    await session.close();
  }
}

function explained(error: unknown, run: string): unknown {
  if (error instanceof SamMilError) return error;
  return new SamMilError('Unavailable', `no worker answered for run ${run}`, {
    next: 'start one with `npx sam-mil worker`',
    cause: error,
  });
}
