import { Command } from 'commander';
import { runCommand } from '../../domain/machine/run-command.js';
import { paletteFor } from '../display/display.js';
import { invalid } from '../command-line/errors.js';
import { metricsTable } from '../display/metrics.js';
import { findRun, readRunPlan, type RunEntry } from '../run/run-index.js';
import { shortPath } from '../display/render-text.js';
import { findReports, type ReportFiles } from '../display/reports.js';

interface ReportOptions {
  work?: string;
  open?: boolean;
  json?: boolean;
}

export function createCommand(): Command {
  return new Command('report')
    .description("Show where a run's report is, and its metrics table")
    .argument('[run]', 'run name, or the start of one', 'latest')
    .option('--open', 'open the report in the browser')
    .option('--work <folder>', 'work folder of a run that was started elsewhere')
    .option('--json', 'print one JSON object per report: {run, stage, report, metrics}')
    .action(report);
}

async function report(name: string, options: ReportOptions): Promise<void> {
  const entry = findRun(name, options.work);
  for (const { stage, html, metrics } of await requireReports(entry)) {
    if (options.json) {
      console.log(JSON.stringify({ run: entry.run, stage, report: html, metrics: metrics ?? null }));
      continue;
    }
    if (metrics !== undefined)
      console.log(
        (await metricsTable(metrics, paletteFor(process.stdout), process.stdout.columns)).join('\n'),
      );
    console.log(`${metrics === undefined ? '' : '\n'}Report   ${shortPath(html)}`);
    if (options.open) await openInBrowser(html);
  }
}

/** @throws SamMilError InvalidInput if the run has no report (yet) */
export async function requireReports(entry: RunEntry): Promise<ReportFiles[]> {
  const plan = readRunPlan(entry);
  const reports = await findReports(entry, plan);
  if (reports.length > 0) return reports;
  const made = plan.stages.some(({ steps }) => steps.some(({ uses }) => uses === 'pipeline.report'));
  if (!made) {
    throw invalid(
      `the pipeline of run ${entry.run} has no report stage`,
      'add a stage that uses pipeline.report',
    );
  }
  throw invalid(
    `run ${entry.run} has no report: its report stage has not ended`,
    `see \`npx sam-mil status ${entry.run}\`; if the run has ended, \`npx sam-mil resume ${entry.run}\` makes the report`,
  );
}

async function openInBrowser(path: string): Promise<void> {
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open';
  const result = await runCommand(program, [path], { timeout: 20_000 });
  if (result.code !== 0)
    console.error(`sam-mil: ${program} could not open the report; open the file yourself`);
}
