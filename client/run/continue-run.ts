import { BY_HAND } from '../../domain/engine/item/item-result.js';
import type { Progress } from '../../activities/engine/preflight.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import type { StageStatus } from '../../workflows/messages.js';
import type { ServerChoice } from '../server/connect.js';
import type { RunController } from './controller.js';
import { readSettled } from './left-out.js';
import { checkInputs } from './preflight.js';
import { lastSeenStatus, type RunEntry } from './run-index.js';
import { readRequest } from './start-run.js';

export interface Continuation {
  /** Where the run takes place. */
  server: ServerChoice;
  /** Only these held stages are retried. Default: all. */
  stages?: string[];
  /** Starts an open run again from its plan. */
  restart?: boolean;
}

/**
 * Resumes or restarts a run. Unless it is at work, its inputs are checked before, as for a new run. An open
 * run is checked only for the work that is left: a fault in what is finished, or in what it continues
 * without, holds nothing.
 * @param say receives what was understood of the inputs
 * @throws SamMilError InvalidInput for faults with which the run cannot succeed
 */
export async function continueRun(
  controller: RunController,
  entry: RunEntry,
  { server, stages, restart = false }: Continuation,
  say: (line: string) => void,
): Promise<RunEntry> {
  const { open, atWork } = await controller.stateOf(entry);
  const again = restart || !open;
  if (again || !atWork) {
    const { plan } = controller;
    const registry = await loadRegistry(plan.plugins, { from: plan.base });
    const { items = {} } = await readRequest(entry);
    // A run that starts again lists and checks everything, as a new one.
    const progress = again ? undefined : await readProgress(entry, stages && withCells(plan, stages));
    await checkInputs({ plan, items, registry }, server, say, progress);
  }
  if (restart) return controller.restart(entry, 'requested');
  return controller.resume(entry, stages === undefined ? {} : { stages });
}

/** @param retried the only stages that are retried */
async function readProgress(entry: RunEntry, retried: readonly string[] | undefined): Promise<Progress> {
  const known = lastSeenStatus(entry)?.status.stages ?? [];
  const waits = ({ name, state }: StageStatus) => state === 'held' && retried?.includes(name) === false;
  const finished = known.filter((stage) => isFinished(stage) || waits(stage));
  // A held stage lists and checks its items again; one that was paused continues with its list.
  const listed = known.filter(({ state, total }) => state === 'running' && total > 0);
  const settled = await Promise.all(
    known
      .filter(({ total }) => total > 0)
      .map(async ({ name, state }) => {
        const ended = [...(await readSettled(entry, name))];
        const kept = state === 'held' ? ended.filter(([, reason]) => reason === BY_HAND) : ended;
        return [name, new Map(kept)] as const;
      }),
  );
  return { finished: namesOf(finished), listed: namesOf(listed), settled: new Map(settled) };
}

/** A stage of the file stands for its cells. */
function withCells({ stages }: Plan, names: readonly string[]): string[] {
  const named = stages.filter(({ name, of = name }) => names.includes(name) || names.includes(of));
  return named.map(({ name }) => name);
}

function isFinished({ state }: StageStatus): boolean {
  return state === 'done' || state === 'skipped';
}

function namesOf(stages: readonly StageStatus[]): Set<string> {
  return new Set(stages.map(({ name }) => name));
}
