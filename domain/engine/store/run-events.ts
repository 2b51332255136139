import { appendFile, readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { WireError } from '../../errors.js';
import { objectOf, shapeFault, TEXT } from '../../files/json-record.js';
import { makeFoldersBelow } from '../../files/make-folders.js';
import { requireInside } from './inside.js';
import { WIRE_ERROR } from './item-shapes.js';
import { USE, type StepUse } from './receipt-record.js';
import { eventsFolder, itemLogPath, runFolder, type Place } from './paths.js';

/**
 * One line of `<work>/.runs/<run>/events/<worker>.jsonl`: what a worker did and when. The report draws its
 * timeline from these events.
 */
export interface RunEvent {
  /** ISO 8601, from the worker's clock. */
  time: string;
  stage: string;
  item: string;
  step: string;
  attempt: number;
  event: 'started' | 'done' | 'cached' | 'linked' | 'skipped' | 'failed' | 'cancelled';
  /** Seconds since `started`; absent for `started`. */
  seconds?: number;
  /** The error, for `failed`. */
  error?: WireError;
  /** The reason, for `skipped`. */
  message?: string;
  /** What the attempt used, for `done` and `skipped`. */
  used?: StepUse;
  host: string;
  pid: number;
}

/**
 * Appends to a file that only this worker writes, so that lines of several hosts are never mixed. A lost line
 * only leaves a gap in the timeline: nothing is written if the run's folder is gone.
 */
export async function appendEvent(work: string, run: string, worker: string, event: RunEvent): Promise<void> {
  await appendLine(
    runFolder(work, run),
    join(eventsFolder(work, run), `${worker}.jsonl`),
    JSON.stringify(event),
  );
}

/**
 * Appends an entry to the log of an item: `time level step#attempt message facts`. The facts of a failure
 * follow on indented lines.
 */
export async function appendItemLog(work: string, run: string, place: Place, line: string): Promise<void> {
  await appendLine(runFolder(work, run), itemLogPath(work, run, place.stage, place.item), line);
}

/**
 * All events of a run, sorted by time. An incomplete last line (of a killed worker) is ignored.
 * @throws SamMilError InvalidInput if the folder is a symbolic link that leads out of the work folder
 */
export async function readEvents(work: string, run: string): Promise<RunEvent[]> {
  const folder = eventsFolder(work, run);
  await requireInside(work, folder);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.jsonl')).sort();
  const events: RunEvent[] = [];
  for (const name of names) {
    // A damaged file only leaves a gap in the timeline.
    const text = await readFile(join(folder, name), 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const event = parseLine(line);
      if (event) events.push(event);
    }
  }
  return events.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

const eventFault = shapeFault(
  objectOf(
    {
      time: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}T' },
      stage: TEXT,
      item: TEXT,
      step: TEXT,
      attempt: { type: 'number' },
      event: { enum: ['started', 'done', 'cached', 'linked', 'skipped', 'failed', 'cancelled'] },
      host: TEXT,
      pid: { type: 'number' },
    },
    {
      seconds: { type: 'number' },
      error: WIRE_ERROR,
      message: TEXT,
      used: objectOf({}, USE),
    },
  ),
);

function parseLine(line: string): RunEvent | undefined {
  try {
    const event: unknown = line === '' ? undefined : JSON.parse(line);
    return eventFault(event) === undefined ? (event as RunEvent) : undefined;
  } catch {
    return undefined;
  }
}

async function appendLine(root: string, path: string, line: string): Promise<void> {
  const write = () => appendFile(path, `${line}\n`);
  try {
    await write().catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      await makeFoldersBelow(root, dirname(path));
      await write();
    });
  } catch {
    // The log is only informational; the work itself reports a full disk.
  }
}
