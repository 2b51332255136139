import { Command } from 'commander';
import { invalid } from '../command-line/errors.js';
import { addTableOptions } from '../command-line/options.js';
import { compareRuns, readShownRun, type ShownRun } from '../display/compare-runs.js';
import { paletteFor } from '../display/display.js';
import { metricsTable } from '../display/metrics.js';
import { readMetrics } from '../display/read-metrics.js';
import { comparisonObject, renderComparison } from '../display/render-comparison.js';
import type { TableOptions } from '../display/tables.js';
import { findRun } from '../run/run-index.js';
import { requireReports } from './report.js';

interface MetricsOptions extends TableOptions {
  work?: string;
  json?: boolean;
}

const WORK = ['--work <folder>', 'work folder of a run that was started elsewhere'] as const;

export function createCommand(): Command {
  const diff = new Command('diff')
    .description('Compare two runs: the params that differ, the metrics, and paired tests on the same slides')
    .argument('<before>', 'run')
    .argument('<after>', 'run')
    .option(...WORK);
  const command = new Command('metrics')
    .description("Print a run's metrics table, or compare two runs")
    .argument('[run]', 'run name, or the start of one', 'latest')
    .option(...WORK);
  return addTableOptions(command, 'print one JSON object: {run, metrics}, with the content of metrics.json')
    .action(show)
    .addCommand(
      addTableOptions(diff, 'print one JSON object: {before, after, params, groups}').action(compare),
    );
}

async function show(name: string, { json, ...options }: MetricsOptions): Promise<void> {
  const { run, metrics } = await findMetrics(name, options.work);
  if (json) return console.log(JSON.stringify({ run, metrics: await readMetrics(metrics) }));
  const palette = paletteFor(process.stdout);
  console.log((await metricsTable(metrics, palette, process.stdout.columns, options)).join('\n'));
}

async function compare(before: string, after: string, _: object, command: Command): Promise<void> {
  // `metrics` has the same options, and takes them even after `diff`.
  const { json, ...options } = command.optsWithGlobals<MetricsOptions>();
  const [a, b] = [await shownRun(before, options.work), await shownRun(after, options.work)];
  const compared = await compareRuns(a, b);
  if (json) return console.log(JSON.stringify(comparisonObject(a, b, compared)));
  console.log(renderComparison(a, b, compared, options, paletteFor(process.stdout)).join('\n'));
}

async function shownRun(name: string, work?: string): Promise<ShownRun> {
  const { metrics } = await findMetrics(name, work);
  return readShownRun(findRun(name, work), metrics);
}

async function findMetrics(name: string, work?: string): Promise<{ run: string; metrics: string }> {
  const entry = findRun(name, work);
  const found = (await requireReports(entry)).find(({ metrics }) => metrics !== undefined)?.metrics;
  if (found !== undefined) return { run: entry.run, metrics: found };
  throw invalid(`run ${entry.run} has no evaluation`, 'its report contains no metrics');
}
