import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { writeAtomic } from '../../domain/files/atomic.js';
import { keyProblem, planPath, runFolder } from '../../domain/engine/store/paths.js';
import type { RunStatus } from '../../workflows/messages.js';
import { invalid } from '../command-line/errors.js';
import { makeStateFolder, PRIVATE_FILE, stateFolder } from '../server/state-folder.js';

/**
 * Where a run of this user is: what `status RUN` needs to find the rest. The run's own record is in its work
 * folder.
 */
export interface RunEntry {
  run: string;
  pipeline: string;
  work: string;
  /** Pipeline file. */
  source: string;
  /** ISO 8601. */
  started: string;
  /** Address of the server it was started on, or `embedded`. */
  server: string;
  namespace: string;
}

export function rememberRun(entry: RunEntry): void {
  makeStateFolder('runs');
  writeFileSync(entryPath(entry.run), `${JSON.stringify(entry)}\n`, { mode: PRIVATE_FILE });
}

export function forgetRun(run: string): void {
  rmSync(entryPath(run), { force: true });
}

/** Returns the runs of this user on this machine, newest first, without those whose work folder is gone. */
export function knownRuns(): RunEntry[] {
  if (!existsSync(folder())) return [];
  return readdirSync(folder())
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => readEntry(join(folder(), name)) ?? [])
    .filter((entry) => existsSync(planPath(entry.work, entry.run)))
    .sort((a, b) => (a.started < b.started ? 1 : -1));
}

/**
 * Finds a run by its name, by a unique start of its name, or `latest`. `work` finds runs that were started
 * elsewhere. Throws `InvalidInput`, listing the known runs.
 */
export function findRun(name: string, work?: string): RunEntry {
  const runs = work === undefined ? knownRuns() : runsIn(resolve(work));
  if (name === 'latest' && runs.length > 0) return runs[0];
  const matches = runs.filter((entry) => entry.run === name);
  const found = matches.length > 0 ? matches : runs.filter((entry) => entry.run.startsWith(name));
  if (found.length === 1) return found[0];
  if (found.length > 1) {
    const names = found.slice(0, 5).map((entry) => entry.run);
    throw invalid(`several runs start with "${name}": ${names.join(', ')}`, 'use a longer part of the name');
  }
  const known = runs.slice(0, 5).map((entry) => entry.run);
  throw new SamMilError(
    'InvalidInput',
    name === 'latest' ? 'there are no runs yet' : `there is no run "${name}"`,
    {
      expected: known.length > 0 ? `one of ${known.join(', ')}` : undefined,
      next:
        work === undefined
          ? '`npx sam-mil ls` lists your runs; for a run that was started elsewhere, add --work FOLDER'
          : 'check the folder given with --work',
    },
  );
}

/**
 * Reads the plan that a run was started with, adjusted to the current path of its work folder.
 * @throws SamMilError InvalidInput if it cannot be read or is damaged
 */
export function readRunPlan({ work, run }: Pick<RunEntry, 'work' | 'run'>): Plan {
  const path = planPath(work, run);
  try {
    return { ...(JSON.parse(readFileSync(path, 'utf8')) as Plan), work };
  } catch (cause) {
    throw new SamMilError('InvalidInput', 'the plan of the run cannot be read', {
      file: path,
      found: (cause as Error).message,
      next: 'run its pipeline file again: up-to-date steps are skipped',
      cause,
    });
  }
}

/** Reads how a run ended from its work folder; undefined if it has not ended. */
export function readRunRecord({ work, run }: Pick<RunEntry, 'work' | 'run'>): RunStatus | undefined {
  try {
    return JSON.parse(readFileSync(join(runFolder(work, run), 'run.json'), 'utf8')) as RunStatus;
  } catch {
    return undefined;
  }
}

/** The last known status of a run, and its time in milliseconds since 1970. */
interface SeenStatus {
  at: number;
  status: RunStatus;
}

/**
 * Saves the status for `status` commands while no server is running. A failed write is ignored: the run
 * itself reports a full disk.
 */
export function rememberStatus({ work, run }: RunEntry, status: RunStatus): void {
  try {
    writeAtomic(join(runFolder(work, run), 'seen.json'), `${JSON.stringify({ at: Date.now(), status })}\n`);
  } catch {
    // The previous status remains.
  }
}

export function lastSeenStatus({ work, run }: RunEntry): SeenStatus | undefined {
  try {
    const seen = JSON.parse(readFileSync(join(runFolder(work, run), 'seen.json'), 'utf8')) as SeenStatus;
    return Array.isArray(seen.status?.stages) ? seen : undefined;
  } catch {
    return undefined;
  }
}

/** Removes the record of a run that restarts: it would be mistaken for the new execution's. */
export function forgetRunRecord({ work, run }: RunEntry): void {
  rmSync(join(runFolder(work, run), 'run.json'), { force: true });
}

/** Returns the runs in a work folder, whoever started them, newest first. */
export function runsIn(work: string): RunEntry[] {
  const runs = join(work, '.runs');
  if (!existsSync(runs)) return [];
  return (
    readdirSync(runs)
      // Other names are a lock, or leftovers of a file manager or NFS.
      .filter((run) => keyProblem(run) === undefined && existsSync(planPath(work, run)))
      .flatMap((run) => readEntry(entryPath(run)) ?? entryFromPlan(work, run) ?? [])
      .map((entry) => ({ ...entry, work }))
      .sort((a, b) => (a.started < b.started ? 1 : -1))
  );
}

/** Returns undefined if the plan cannot be read: one damaged run must not hide the others. */
function entryFromPlan(work: string, run: string): RunEntry | undefined {
  let plan: { name: string; source: { path: string } };
  try {
    plan = JSON.parse(readFileSync(planPath(work, run), 'utf8')) as typeof plan;
  } catch {
    return undefined;
  }
  const started = /(\d{8})-(\d{6})/.exec(run)?.[0] ?? '';
  return { run, pipeline: plan.name, work, source: plan.source.path, started, server: '', namespace: '' };
}

function readEntry(path: string): RunEntry | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as RunEntry;
  } catch {
    return undefined;
  }
}

function entryPath(run: string): string {
  return join(folder(), `${run}.json`);
}

function folder(): string {
  return join(stateFolder(), 'runs');
}
