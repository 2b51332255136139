import { Command } from 'commander';
import { openSession, type Session } from '../server/connect.js';
import { paletteFor } from '../display/display.js';
import { RemoteRun } from '../run/remote-run.js';
import { formatDuration, formatTable, shortPath } from '../display/render-text.js';
import {
  damagedEntries,
  knownRuns,
  lastSeenStatus,
  readRunRecord,
  runFault,
  runsIn,
  type RunEntry,
} from '../run/run-index.js';

interface LsOptions {
  work?: string;
  json?: boolean;
}

export function createCommand(): Command {
  return new Command('ls')
    .description('List your runs, newest first')
    .option('--work <folder>', 'list the runs in this work folder, whoever started them')
    .option('--json', 'print one JSON object per line')
    .action(list);
}

async function list(options: LsOptions): Promise<void> {
  const entries = options.work === undefined ? knownRuns() : runsIn(options.work);
  const session = await openSession({}, { start: false, log: () => undefined }).catch(() => undefined);
  try {
    const faults = entries.map(runFault);
    const states = await Promise.all(
      entries.map(async (entry, i) => (faults[i] === undefined ? readState(entry, session) : 'damaged')),
    );
    if (options.json)
      entries.forEach((entry, i) => console.log(JSON.stringify({ ...entry, state: states[i] })));
    else printTable(entries, states);
    const damaged = faults.flatMap((fault) => fault ?? []);
    if (options.work === undefined) damaged.push(...damagedEntries());
    for (const fault of damaged) console.error(`sam-mil: ${fault.message}`);
  } finally {
    await session?.close();
  }
}

/**
 * Returns how the run ended, or else what its server reports. `paused`, `held` or `stopped`: the run is open,
 * but its server is not running.
 */
async function readState(entry: RunEntry, session: Session | undefined): Promise<string> {
  const record = readRunRecord(entry);
  if (
    session !== undefined &&
    entry.server === (session.kind === 'embedded' ? 'embedded' : session.address)
  ) {
    const state = await new RemoteRun(session.client, entry.run).state();
    if (state === 'open' || record === undefined) return state;
  }
  return record?.state ?? leftAs(entry);
}

/** Returns the last known state of a run whose server is not running, if it was paused or held. */
function leftAs(entry: RunEntry): string {
  const seen = lastSeenStatus(entry)?.status.state;
  return seen === 'paused' || seen === 'held' ? seen : 'stopped';
}

function printTable(entries: readonly RunEntry[], states: readonly string[]): void {
  const palette = paletteFor(process.stdout);
  if (entries.length === 0)
    return console.log('no runs yet; start one with `npm start` or `npx sam-mil run FILE`');
  const rows = entries.map(({ run, started, work }, i) => [
    run,
    states[i],
    agoText(started),
    shortPath(work),
  ]);
  console.log(formatTable([['RUN', 'STATE', 'STARTED', 'WORK'].map(palette.dim), ...rows]).join('\n'));
}

function agoText(started: string): string {
  const time = Date.parse(started);
  return Number.isNaN(time) ? started : `${formatDuration((Date.now() - time) / 1000)} ago`;
}
