import { Command } from 'commander';
import { paletteFor } from '../display/display.js';
import { invalid } from '../command-line/errors.js';
import { metricsDifference, metricsTable } from '../display/metrics.js';
import { findRun } from '../run/run-index.js';
import { requireReports } from './report.js';

interface MetricsOptions {
  work?: string;
}

export function createCommand(): Command {
  const diff = new Command('diff')
    .description('Compare the means of two runs that have separate work folders')
    .argument('<before>', 'run')
    .argument('<after>', 'run')
    .action(compare);
  return new Command('metrics')
    .description("Print a run's metrics table, or compare two runs")
    .argument('[run]', 'run name, or the start of one', 'latest')
    .option('--work <folder>', 'work folder of a run that was started elsewhere')
    .action(show)
    .addCommand(diff);
}

async function show(name: string, options: MetricsOptions): Promise<void> {
  const metrics = await findMetrics(name, options.work);
  console.log((await metricsTable(metrics, paletteFor(process.stdout), process.stdout.columns)).join('\n'));
}

async function compare(before: string, after: string): Promise<void> {
  const [a, b] = [await findMetrics(before), await findMetrics(after)];
  if (a === b) {
    throw invalid(
      'both runs use the same work folder, which has only the newer numbers',
      'give each run a separate folder with --work',
    );
  }
  console.log((await metricsDifference(a, b, paletteFor(process.stdout))).join('\n'));
}

async function findMetrics(name: string, work?: string): Promise<string> {
  const entry = findRun(name, work);
  const found = (await requireReports(entry)).find(({ metrics }) => metrics !== undefined)?.metrics;
  if (found !== undefined) return found;
  throw invalid(`run ${entry.run} has no evaluation`, 'its report contains no metrics');
}
