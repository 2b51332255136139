import { Command } from 'commander';
import { addServerOptions } from '../command-line/options.js';
import { refuseCopied } from '../run/home.js';
import { RemoteRun } from '../run/remote-run.js';
import { findLostRun, findRun, recordEnd } from '../run/run-index.js';
import { WorkFolder } from '../run/work-folder.js';
import { refuseEnded } from '../run/run-state.js';
import { openSession, type ServerChoice } from '../server/connect.js';

interface CancelOptions extends ServerChoice {
  work?: string;
  now?: boolean;
}

export function createCommand(): Command {
  const command = new Command('cancel')
    .description(
      'Cancel a run: running items stop at their next safe point, finished work is kept, and the run can be resumed',
    )
    .argument('[run]', 'run name, or the start of one', 'latest')
    .option('--now', 'do not wait for running items')
    .option('--work <folder>', 'work folder of a run that was started elsewhere');
  return addServerOptions(command).action(cancel);
}

async function cancel(name: string, options: CancelOptions): Promise<void> {
  const lost = options.work === undefined ? findLostRun(name) : undefined;
  const entry = lost ?? findRun(name, options.work);
  const { run } = entry;
  refuseEnded(entry);
  // The embedded server is started if necessary: otherwise an open run would continue the next time it
  // starts.
  const session = await openSession(options, { start: true, log: (line) => console.error(`  ${line}`) });
  try {
    const remote = new RemoteRun(session.client, run);
    await remote.requireOpen();
    await refuseCopied(entry);
    const polite = options.now !== true && (await askToCancel(remote));
    if (!polite) {
      await remote.terminate('terminated by `sam-mil cancel`');
      const message = `cancelled immediately; finished work is kept, \`sam-mil resume ${run}\` continues from there`;
      await recordEnd(entry, 'cancelled', message);
      await new WorkFolder(entry.work, session, console.log).release(entry).catch((error: Error) => {
        console.error(`  its work folder was not freed for other servers: ${error.message}`);
      });
    }
    console.log(`${run}  cancelled${polite ? '' : ' immediately'}; finished work is kept`);
    console.log(`  resume it   npx sam-mil resume ${run}${lost === undefined ? '' : ' --work NEW_PATH'}`);
  } finally {
    await session.close();
  }
}

/** Returns false if no worker answers: nothing is running then, so there is nothing to wait for. */
async function askToCancel(remote: RemoteRun): Promise<boolean> {
  try {
    await remote.status();
  } catch {
    return false;
  }
  await remote.cancel();
  return true;
}
