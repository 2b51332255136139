import { Command } from 'commander';
import { paletteFor } from '../display/display.js';
import { RunServers, stateOf } from '../run/run-state.js';
import { formatDuration, formatTable, shortPath } from '../display/render-text.js';
import { damagedEntries, knownRuns, runFault, runsIn, type RunEntry } from '../run/run-index.js';

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
  const servers = new RunServers();
  try {
    const faults = entries.map(runFault);
    const states = await Promise.all(
      entries.map(async (entry, i) =>
        faults[i] === undefined ? stateOf(entry, (one) => servers.ask(one)) : { state: 'damaged' as const },
      ),
    );
    if (options.json) entries.forEach((entry, i) => console.log(JSON.stringify({ ...entry, ...states[i] })));
    else printTable(entries, states);
    const damaged = faults.flatMap((fault) => fault ?? []);
    if (options.work === undefined) damaged.push(...damagedEntries());
    for (const fault of damaged) console.error(`sam-mil: ${fault.message}`);
    const silent = entries.filter((entry, i) => states[i].state === 'unknown' && entry.server !== '');
    for (const server of new Set(silent.map((entry) => entry.server)))
      console.error(`sam-mil: the Temporal server at ${server} does not answer`);
  } finally {
    await servers.close();
  }
}

function printTable(entries: readonly RunEntry[], states: readonly { state: string }[]): void {
  const palette = paletteFor(process.stdout);
  if (entries.length === 0)
    return console.log('no runs yet; start one with `npm start` or `npx sam-mil run FILE`');
  const rows = entries.map(({ run, started, work }, i) => [
    run,
    states[i].state,
    agoText(started),
    shortPath(work),
  ]);
  console.log(formatTable([['RUN', 'STATE', 'STARTED', 'WORK'].map(palette.dim), ...rows]).join('\n'));
}

function agoText(started: string): string {
  const time = Date.parse(started);
  return Number.isNaN(time) ? started : `${formatDuration((Date.now() - time) / 1000)} ago`;
}
