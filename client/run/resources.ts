import { readEvents } from '../../domain/engine/store/run-events.js';
import { sumResources, type StepResources } from '../../domain/engine/store/step-resources.js';
import type { RunEntry } from './run-index.js';

/** What the steps of a run used that it did itself, from its event files; nothing if they cannot be read. */
export async function readResources({ work, run }: Pick<RunEntry, 'work' | 'run'>): Promise<StepResources[]> {
  const events = await readEvents(work, run).catch(() => []);
  return sumResources(
    events.flatMap(({ stage, step, host, seconds, used }) =>
      used === undefined || seconds === undefined ? [] : [{ stage, step, host, seconds, use: used }],
    ),
  );
}
