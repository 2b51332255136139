import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText } from '../../domain/errors.js';
import { keyProblem, type Place } from '../../domain/engine/store/paths.js';
import { readEvents, type RunEvent } from '../../domain/engine/store/run-events.js';

/** Only the newest runs are read: an older failure says little about now. */
const RUNS = 5;

/** Returns the error of the last attempt at a place, if that attempt failed. */
export type LastFailure = (place: Place) => string | undefined;

/** Reads the last failures in a work folder from the records of its newest runs. */
export async function readLastFailures(work: string): Promise<LastFailure> {
  const entries = await readdir(join(work, '.runs'), { withFileTypes: true }).catch(() => []);
  const runs = entries.filter((entry) => entry.isDirectory() && keyProblem(entry.name) === undefined);
  // Names end with the time at which the run was started.
  const newest = runs.map(({ name }) => name).sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1));
  const last = new Map<string, { run: string; event: RunEvent }>();
  for (const run of newest.slice(0, RUNS)) {
    for (const event of await readEvents(work, run)) {
      const known = last.get(keyOf(event));
      if (event.event !== 'started' && !(known && known.event.time > event.time))
        last.set(keyOf(event), { run, event });
    }
  }
  return (place) => {
    const { run, event } = last.get(keyOf(place)) ?? {};
    if (run === undefined || event?.event !== 'failed') return undefined;
    const { error } = event;
    return `it failed in run ${run}${error === undefined ? '' : `: ${error.code}: ${errorText(error)}`}`;
  };
}

function keyOf({ stage, item, step }: Place): string {
  return JSON.stringify([stage, item, step]);
}

function timeOf(run: string): string {
  return /\d{8}-\d{6}-[a-z0-9]+$/.exec(run)?.[0] ?? '';
}
