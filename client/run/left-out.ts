import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText } from '../../domain/errors.js';
import { runFolder } from '../../domain/engine/store/paths.js';
import type { ItemRecord } from '../../domain/job.js';
import type { StageStatus } from '../../workflows/messages.js';
import type { RunEntry } from './run-index.js';

/** An item that a stage did not finish. */
export interface LeftOutItem {
  stage: string;
  key: string;
  status: 'skipped' | 'failed';
  reason: string;
}

/**
 * Lists the skipped and failed items of a run with their reasons, from its record. An item that ended in an
 * earlier stage is listed there only. Stages whose record cannot be read are left out.
 */
export async function readLeftOut(
  { work, run }: Pick<RunEntry, 'work' | 'run'>,
  stages: readonly StageStatus[],
): Promise<LeftOutItem[]> {
  const some = stages.filter(({ skipped, failed }) => skipped + failed > 0);
  const found = await Promise.all(some.map(({ name }) => readStage({ work, run }, name)));
  return found.flat();
}

/** Lists the failed items of these stages, also while the run is open. See {@link readLeftOut}. */
export async function readFailed(
  place: Pick<RunEntry, 'work' | 'run'>,
  stages: readonly string[],
): Promise<LeftOutItem[]> {
  const found = await Promise.all(stages.map((stage) => readStage(place, stage)));
  return found.flat().filter(({ status }) => status === 'failed');
}

/**
 * Lists the items of a stage that have ended other than by a failure, also while the run is open: with the
 * reason for those that were skipped.
 */
export async function readSettled(
  place: Pick<RunEntry, 'work' | 'run'>,
  stage: string,
): Promise<Map<string, string | undefined>> {
  const records = await stageRecords(place, stage);
  const ended = records.filter(({ status }) => status !== 'failed');
  return new Map(
    ended.map(({ key, status, reason }) => [key, status === 'done' ? undefined : (reason ?? '')]),
  );
}

async function readStage(
  { work, run }: Pick<RunEntry, 'work' | 'run'>,
  name: string,
): Promise<LeftOutItem[]> {
  const records = await stageRecords({ work, run }, name);
  return records.flatMap((record) => leftOut(name, record) ?? []);
}

function stageRecords({ work, run }: Pick<RunEntry, 'work' | 'run'>, name: string): Promise<Result[]> {
  return readRecords(join(runFolder(work, run), 'stages', name)).catch(() => []);
}

function leftOut(stage: string, { key, status, reason, error }: Result): LeftOutItem | undefined {
  if (status === 'done' || /^(skipped|failed) in /.test(reason ?? '')) return undefined;
  return { stage, key, status, reason: reason ?? (error === undefined ? '' : errorText(error)) };
}

type Result = Pick<ItemRecord, 'key' | 'status' | 'reason' | 'error'>;

/** Reads the results of the newest execution of a stage: the final list, or what it has so far. */
async function readRecords(folder: string): Promise<Result[]> {
  const executions = await Promise.all(
    (await readdir(folder)).map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })),
  );
  const newest = executions.sort((a, b) => b.at - a.at).at(0);
  if (newest === undefined) return [];
  const list = join(folder, newest.name, 'items.jsonl');
  const final = await readFile(list, 'utf8').catch(() => undefined);
  if (final !== undefined) return resultsIn(final);
  const results = join(folder, newest.name, 'results');
  const texts = (await readdir(results)).sort().map((name) => readFile(join(results, name), 'utf8'));
  return (await Promise.all(texts)).flatMap(resultsIn);
}

/** The first line of a results file is its digest. */
function resultsIn(text: string): Result[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Result).filter(({ key }) => key !== undefined);
}
