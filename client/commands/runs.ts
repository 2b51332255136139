import { Command } from 'commander';
import { listed } from '../../domain/engine/language/expressions/did-you-mean.js';
import { addTableOptions } from '../command-line/options.js';
import { readShownRun } from '../display/compare-runs.js';
import { paletteFor } from '../display/display.js';
import { OPTIMISTIC } from '../display/metrics.js';
import { fitTable, isCut } from '../display/render-text.js';
import { findReports } from '../display/reports.js';
import { runObjects, runsTable, type ListedRun } from '../display/runs-table.js';
import { renderTable, type TableOptions } from '../display/tables.js';
import { knownRuns, readRunPlan, runFault, runsIn, type RunEntry } from '../run/run-index.js';
import { RunServers, stateOf } from '../run/run-state.js';

interface RunsOptions extends TableOptions {
  work?: string;
  sort?: string;
  json?: boolean;
}

export function createCommand(): Command {
  const command = new Command('runs')
    .description('Compare runs in a table: the params in which they differ, and their metrics')
    .argument('[pipeline]', 'only runs of the pipeline of this name')
    .option('--work <folder>', 'only the runs in this work folder, whoever started them')
    .option('--sort <column>', 'sort by a param, or by a metric such as AUC (best first)');
  return addTableOptions(
    command,
    'print one JSON object per run and group: {run, params, group, metrics}',
  ).action(showRuns);
}

async function showRuns(pipeline: string | undefined, options: RunsOptions): Promise<void> {
  const { work, sort, json, csv } = options;
  const known = work === undefined ? knownRuns() : runsIn(work);
  const entries = known.filter((entry) => pipeline === undefined || entry.pipeline === pipeline);
  const servers = new RunServers();
  try {
    const runs: ListedRun[] = [];
    for (const entry of entries) {
      const fault = runFault(entry);
      if (fault !== undefined) console.error(`sam-mil: ${fault.message}`);
      else runs.push(await listedRun(entry, servers));
    }
    if (json) return runObjects(runs).forEach((object) => console.log(JSON.stringify(object)));
    if (runs.length === 0) return console.log(noRuns(known, pipeline));
    const { columns, rows, right } = runsTable(runs, sort, csv);
    const palette = paletteFor(process.stdout);
    const lines = renderTable(columns, rows, options, palette, right);
    const marked = rows.some((row) => row.some((cell) => cell.endsWith(' *')));
    const plain = csv === true || options.md === true;
    if (plain) return console.log(lines.join('\n'));
    const notes = [
      ...(marked ? [OPTIMISTIC] : []),
      ...(isCut(lines, process.stdout)
        ? [palette.dim('cut to the terminal; whole with --csv, --md or --json')]
        : []),
    ];
    console.log([...fitTable(lines, process.stdout), ...notes].join('\n'));
  } finally {
    await servers.close();
  }
}

function noRuns(known: readonly RunEntry[], pipeline: string | undefined): string {
  const names = [...new Set(known.map((entry) => entry.pipeline))];
  if (pipeline === undefined || names.length === 0) return 'no runs yet';
  return `no runs of a pipeline named "${pipeline}"; there are runs of ${listed(names)}`;
}

async function listedRun(entry: RunEntry, servers: RunServers): Promise<ListedRun> {
  const { state } = await stateOf(entry, (one) => servers.ask(one));
  const plan = readRunPlan(entry);
  try {
    const metrics = (await findReports(entry, plan)).find((report) => report.metrics !== undefined)?.metrics;
    if (metrics !== undefined) return { ...(await readShownRun(entry, metrics)), state };
  } catch (error) {
    console.error(`sam-mil: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { entry, plan, state };
}
