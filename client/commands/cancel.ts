import { Command } from 'commander';
import { openSession, type Session } from '../server/connect.js';
import { askStatus } from '../run/follow.js';
import { addServerOptions } from '../command-line/options.js';
import { findRun } from '../run/run-index.js';
import { requireOpen, type ControlOptions } from './control.js';

interface CancelOptions extends ControlOptions {
  now?: boolean;
}

export function createCommand(): Command {
  const command = new Command('cancel')
    .description(
      'End a run: items at work stop at their next safe point; what is finished stays and can be resumed',
    )
    .argument('[run]', 'run, or the beginning of its name', 'latest')
    .option('--now', 'do not wait for items at work')
    .option('--work <folder>', 'work folder of a run that was started elsewhere');
  return addServerOptions(command).action(cancel);
}

async function cancel(name: string, options: CancelOptions): Promise<void> {
  const entry = findRun(name, options.work);
  // Started if need be: a run that waits in its database would go on when the server is next up.
  const session = await openSession(options, { start: true, log: (line) => console.error(`  ${line}`) });
  try {
    await requireOpen(session.client, entry);
    const polite = options.now !== true && (await askToCancel(session, entry.run));
    if (!polite) await session.client.workflow.getHandle(entry.run).terminate('ended by `sam-mil cancel`');
    console.log(`${entry.run}  cancelled${polite ? '' : ' at once'}; what is finished stays`);
    console.log(`  go on   npx sam-mil resume ${entry.run}`);
  } finally {
    await session.close();
  }
}

/** False where no worker answers: then nothing is at work, and there is nothing to wait for. */
async function askToCancel(session: Session, run: string): Promise<boolean> {
  const handle = session.client.workflow.getHandle(run);
  try {
    await askStatus(session.client, run);
  } catch {
    return false;
  }
  await handle.cancel();
  await handle.result().catch(() => undefined);
  return true;
}
