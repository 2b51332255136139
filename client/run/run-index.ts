import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import { PLAN } from '../../domain/engine/language/plan/plan-record.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { writeDurably } from '../../domain/files/durable-file.js';
import { writeAtomic } from '../../domain/files/atomic.js';
import { objectOf, RecordKind, type FoundRecord } from '../../domain/files/json-record.js';
import type { JsonObject } from '../../domain/json.js';
import { keyProblem, planPath, runFolder, runRecordPath, seenPath } from '../../domain/engine/store/paths.js';
import { RUN_RECORD, SEEN_RECORD } from '../../domain/engine/store/run-records.js';
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

const TEXT = { type: 'string' };
const ENTRY = new RecordKind<RunEntry>(
  objectOf({
    run: TEXT,
    pipeline: TEXT,
    work: TEXT,
    source: TEXT,
    started: TEXT,
    server: TEXT,
    namespace: TEXT,
  }),
);

export function rememberRun(entry: RunEntry): void {
  makeStateFolder('runs');
  writeAtomic(entryPath(entry.run), ENTRY.text(entry), PRIVATE_FILE);
}

export function forgetRun(run: string): void {
  rmSync(entryPath(run), { force: true });
}

/** Returns the runs of this user on this machine, newest first, without those whose record is gone. */
export function knownRuns(): RunEntry[] {
  return rememberedRuns()
    .filter(({ work, run }) => existsSync(runFolder(work, run)))
    .sort((a, b) => (a.started < b.started ? 1 : -1));
}

/** Returns the run of this name if its work folder was moved or deleted: it may still be open. */
export function findLostRun(name: string): RunEntry | undefined {
  return rememberedRuns().find(({ work, run }) => run === name && !existsSync(runFolder(work, run)));
}

function rememberedRuns(): RunEntry[] {
  return entryFiles()
    .flatMap((path) => readEntry(path) ?? [])
    .filter(({ run }) => keyProblem(run) === undefined);
}

/** Names the files of {@link knownRuns} that cannot be used. Their runs are still in their work folders. */
export function damagedEntries(): SamMilError[] {
  return entryFiles().flatMap((file) => {
    const found = ENTRY.readNow(file);
    if (found.state !== 'damaged') return [];
    const next =
      'delete it; `npx sam-mil ls --work FOLDER` lists the run, and resuming it writes the entry again';
    return [
      new SamMilError('InvalidInput', 'the entry of a run is damaged', { file, found: found.found, next }),
    ];
  });
}

/** Returns why a run cannot be shown or resumed completely: a record in its folder is missing or damaged. */
export function runFault(entry: RunEntry): SamMilError | undefined {
  try {
    readRunPlan(entry);
    readRunRecord(entry);
    return undefined;
  } catch (error) {
    if (error instanceof SamMilError) return error;
    throw error;
  }
}

/** @throws SamMilError InvalidInput if the folder of entries exists but cannot be read */
function entryFiles(): string[] {
  try {
    return readdirSync(folder())
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(folder(), name));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new SamMilError('InvalidInput', 'the list of your runs cannot be read', {
      file: folder(),
      found: code,
      next: 'correct its permissions or SAM_MIL_STATE; `npx sam-mil ls --work FOLDER` needs no list',
      cause,
    });
  }
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
  const lost = work === undefined ? findLostRun(name) : undefined;
  if (lost !== undefined) throw lostFolder(lost);
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

function lostFolder({ run, work }: RunEntry): SamMilError {
  return new SamMilError('InvalidInput', `the work folder of run ${run} is missing`, {
    file: work,
    next: `mount it or move it back; if it was moved, add --work NEW_PATH; \`npx sam-mil cancel ${run}\` ends the run`,
  });
}

/**
 * Reads the plan that a run was started with, adjusted to the current path of its work folder.
 * @throws SamMilError InvalidInput if it is missing or damaged
 */
export function readRunPlan({ work, run }: Pick<RunEntry, 'work' | 'run'>): Plan {
  const file = planPath(work, run);
  const found = PLAN.readNow(file);
  if (found.state === 'valid') return { ...found.value, work };
  throw unusable('the plan of the run', file, found);
}

/** The error for a record that a run cannot be continued without. */
export function unusable(
  what: string,
  file: string,
  found: Exclude<FoundRecord<object>, { state: 'valid' }>,
): SamMilError {
  return new SamMilError('InvalidInput', `${what} is ${found.state}`, {
    file,
    found: found.state === 'damaged' ? found.found : undefined,
    next: 'run its pipeline file again: up-to-date steps are skipped',
  });
}

/**
 * Reads how a run ended from its work folder; undefined if it has not ended.
 * @throws SamMilError InvalidInput if the record is damaged
 */
export function readRunRecord({ work, run }: Pick<RunEntry, 'work' | 'run'>): RunStatus | undefined {
  const file = runRecordPath(work, run);
  const found = RUN_RECORD.readNow(file);
  if (found.state === 'valid') return found.value as unknown as RunStatus;
  if (found.state === 'missing') return undefined;
  throw new SamMilError('InvalidInput', 'the record of how the run ended is damaged', {
    file,
    found: found.found,
    next: `\`npx sam-mil resume ${run}\` writes it again; up-to-date steps are skipped`,
  });
}

/** Whether a run has ended. A damaged record says so too: it is written only at the end. */
export function hasRunRecord({ work, run }: Pick<RunEntry, 'work' | 'run'>): boolean {
  return existsSync(runRecordPath(work, run));
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
    const seen = { at: Date.now(), status: status as unknown as JsonObject };
    writeAtomic(seenPath(work, run), SEEN_RECORD.text(seen));
  } catch {
    // The previous status remains.
  }
}

/** A damaged record counts as absent: it only helps while no server is running. */
export function lastSeenStatus({ work, run }: RunEntry): SeenStatus | undefined {
  const found = SEEN_RECORD.readNow(seenPath(work, run));
  return found.state === 'valid' ? (found.value as unknown as SeenStatus) : undefined;
}

/**
 * Writes how a run ended that was terminated, from its last known status: its workflow can no longer do so.
 * @param message one sentence for people
 */
export async function recordEnd(
  entry: RunEntry,
  state: 'cancelled' | 'replaced',
  message: string,
): Promise<void> {
  const { run, work, pipeline } = entry;
  if (hasRunRecord(entry) || !existsSync(runFolder(work, run))) return;
  const seen = lastSeenStatus(entry)?.status;
  const endedAt = Date.now();
  const stages = (seen?.stages ?? []).map((stage) => {
    const ended = stage.state === 'done' || stage.state === 'failed' || stage.state === 'skipped';
    return ended ? stage : { ...stage, state: 'cancelled' as const, running: 0 };
  });
  const startedAt = seen?.startedAt ?? (Date.parse(entry.started) || endedAt);
  const { waitedMs, waitingSince } = seen ?? {};
  const waited = {
    ...(waitedMs !== undefined && { waitedMs }),
    ...(waitingSince !== undefined && { waitingSince }),
  };
  const status: RunStatus = { run, pipeline, work, state, startedAt, endedAt, ...waited, stages, message };
  const text = RUN_RECORD.text(status as unknown as JsonObject, 2);
  await writeDurably(work, runRecordPath(work, run), text);
}

/** Removes the record of a run that restarts: it would be mistaken for the new execution's. */
export function forgetRunRecord({ work, run }: RunEntry): void {
  rmSync(runRecordPath(work, run), { recursive: true, force: true });
}

/** Returns the runs in a work folder, whoever started them, newest first, also those with damaged records. */
export function runsIn(work: string): RunEntry[] {
  const runs = join(work, '.runs');
  if (!existsSync(runs)) return [];
  return (
    readdirSync(runs, { withFileTypes: true })
      // Other names are a lock, or leftovers of a file manager or NFS.
      .filter((entry) => entry.isDirectory() && keyProblem(entry.name) === undefined)
      .map(({ name }) => ({ ...(readEntry(entryPath(name)) ?? entryFromPlan(work, name)), work }))
      .sort((a, b) => (a.started < b.started ? 1 : -1))
  );
}

/** Builds an entry from the record of a run that this user did not start, or from its name. */
function entryFromPlan(work: string, run: string): RunEntry {
  const plan = PLAN.readNow(planPath(work, run));
  const [known, source] =
    plan.state === 'valid' ? [plan.value.name, plan.value.source.path] : [undefined, ''];
  const [, name, time] = /^(.*)-(\d{8}-\d{6})-[a-z0-9]{3}$/.exec(run) ?? [];
  return {
    run,
    pipeline: known ?? name ?? run,
    work,
    source,
    started: time ?? '',
    server: '',
    namespace: '',
  };
}

function readEntry(path: string): RunEntry | undefined {
  const found = ENTRY.readNow(path);
  return found.state === 'valid' ? found.value : undefined;
}

function entryPath(run: string): string {
  return join(folder(), `${run}.json`);
}

function folder(): string {
  return join(stateFolder(), 'runs');
}
