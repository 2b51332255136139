import { WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { SamMilError } from '../../domain/errors.js';
import type { RunStatus } from '../../workflows/messages.js';
import { openSession, type ServerChoice } from '../server/connect.js';
import { invalid, ServerUnreachable } from '../command-line/errors.js';
import { serverStateOf } from '../run/open-runs.js';
import { findRun, type RunEntry } from '../run/run-index.js';

export interface ControlOptions extends ServerChoice {
  work?: string;
}

const ANSWER_MILLISECONDS = 60_000;

/**
 * Sends a message to an open run and prints what it answers. Throws `InvalidInput` where the run is not open or refuses, with its reason;
 * `Unavailable` where no worker answers.
 */
export async function controlRun(
  name: string,
  options: ControlOptions,
  send: (client: Client, run: string) => Promise<RunStatus>,
): Promise<void> {
  const entry = findRun(name, options.work);
  const session = await openSession(options, { start: false, log: () => undefined });
  try {
    await requireOpen(session.client, entry);
    const status = await session.client.withDeadline(Date.now() + ANSWER_MILLISECONDS, () =>
      send(session.client, entry.run),
    );
    console.log(`${entry.run}  ${status.message}`);
  } catch (error) {
    throw explained(error, entry);
  } finally {
    await session.close();
  }
}

export async function requireOpen(client: Client, entry: RunEntry): Promise<void> {
  const state = await serverStateOf(client, entry.run);
  if (state === 'open') return;
  throw invalid(
    `run ${entry.run} is not open (${state === 'gone' ? 'unknown to the server' : state})`,
    `go on with \`npx sam-mil resume ${entry.run}\``,
  );
}

function explained(error: unknown, entry: RunEntry): unknown {
  if (error instanceof SamMilError || error instanceof ServerUnreachable) return error;
  if (error instanceof WorkflowUpdateFailedError) {
    return invalid(`run ${entry.run} refuses: ${error.cause?.message ?? error.message}`);
  }
  return new SamMilError('Unavailable', `no worker answered for run ${entry.run}`, {
    next: 'start one with `npx sam-mil worker`',
    cause: error,
  });
}
