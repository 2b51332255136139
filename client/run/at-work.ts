import { isDeepStrictEqual } from 'node:util';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { SamMilError } from '../../domain/errors.js';
import { engineQueue } from '../../workflows/messages.js';
import type { Session } from '../server/connect.js';
import { isServed } from './pending-activities.js';
import { hasEngineWorker } from './registered-workers.js';
import { RemoteRun } from './remote-run.js';
import { lastSeenStatus, readRunPlan, type RunEntry } from './run-index.js';
import { readRequest } from './start-run.js';

/** Whether an open run is working: it is neither paused nor held, and a worker serves it. */
export async function isAtWork(session: Session, entry: RunEntry): Promise<boolean> {
  const { queuePrefix: prefix } = await readRequest(entry).catch(() => ({ queuePrefix: undefined }));
  const { client, kind, address, namespace } = session;
  // All workers of an embedded server belong to this user, so a run without one need not be asked.
  if (kind === 'embedded' && !hasEngineWorker({ address, namespace, prefix })) return false;
  try {
    return (await new RemoteRun(client, entry.run).status()).state === 'running';
  } catch {
    const seen = lastSeenStatus(entry)?.status.state;
    if (seen === 'paused' || seen === 'held') return false;
    return kind === 'embedded' || isServed(client, engineQueue(prefix), 'workflow');
  }
}

/** The error for a run that would end one that is at work. */
export function busyFolder(entry: RunEntry, plan: Plan | undefined): SamMilError {
  const { run, work, started } = entry;
  return new SamMilError('InvalidInput', `run ${run} is at work in this work folder`, {
    file: work,
    found: [`it was started ${started}`, ...differences(entry, plan)].join('; '),
    next: `follow it with \`npx sam-mil status ${run} --watch\`, choose another folder with --work, or add --replace to terminate it; finished work is kept`,
  });
}

/** At most this many params are named. */
const NAMED = 4;

function differences(entry: RunEntry, plan: Plan | undefined): string[] {
  if (plan === undefined) return [];
  const known = paramsOf(entry);
  const names = [...new Set([...Object.keys(known), ...Object.keys(plan.params)])];
  const changed = names.filter((name) => !isDeepStrictEqual(known[name], plan.params[name]));
  if (changed.length === 0) return ['it has another plan or selection'];
  const shown = changed
    .slice(0, NAMED)
    .map((name) => `${name} ${show(known[name])}, not ${show(plan.params[name])}`);
  return [...shown, ...(changed.length > NAMED ? [`${changed.length - NAMED} other params differ`] : [])];
}

function paramsOf(entry: RunEntry): Plan['params'] {
  try {
    return readRunPlan(entry).params;
  } catch {
    // Whoever damaged its plan, the run is at work.
    return {};
  }
}

function show(value: unknown): string {
  return value === undefined ? 'unset' : JSON.stringify(value);
}
