import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { pickCounts } from '../../domain/engine/item/counts.js';
import type { RunStatus } from '../../workflows/messages.js';
import type { DriveOutcome } from './drive-run.js';
import { EXIT } from '../command-line/errors.js';
import { metricsTable } from '../display/metrics.js';
import { formatDuration, plural } from '../display/render-text.js';
import { renderFailures, stateText, type Palette } from '../display/render-status.js';
import type { RunEntry } from './run-index.js';
import { reportsOf, shortPath } from './run-output.js';

/** Last object of `--json`: what a script needs. */
export function resultObject(entry: RunEntry, outcome: DriveOutcome): object {
  const status = outcome.ended === 'result' ? outcome.status : undefined;
  return {
    run: entry.run,
    status: status?.state ?? (outcome.ended === 'left' ? 'running' : 'paused'),
    work: entry.work,
    stages: (status?.stages ?? []).map((stage) => {
      return { name: stage.name, state: stage.state, ...pickCounts(stage, 'running') };
    }),
    failed: (status?.stages ?? []).flatMap((stage) => stage.failures),
  };
}

export function exitCodeOfRun(outcome: DriveOutcome): number {
  if (outcome.ended !== 'result') return EXIT.interrupted;
  return outcome.status.state === 'done' ? EXIT.ok : EXIT.failed;
}

/** The end of a run for people: how it ended, what failed, the metrics table, the report's path, what to do next. */
export async function resultLines(
  entry: RunEntry,
  plan: Plan,
  outcome: DriveOutcome,
  palette: Palette,
): Promise<string[]> {
  if (outcome.ended !== 'result') return leavingLines(entry, outcome.ended);
  const { status } = outcome;
  const lines = [headline(status, palette), ...renderFailures(status, palette)];
  for (const { stage, html, metrics } of await reportsOf(plan)) {
    if (status.stages.find(({ name }) => name === stage)?.state !== 'done') {
      lines.push(`Report   none from this run; an earlier one stands in ${shortPath(html)}`);
      continue;
    }
    if (metrics !== undefined)
      lines.push('', ...(await metricsTable(metrics, palette, process.stdout.columns)));
    lines.push('', `Report   ${shortPath(html)}`);
  }
  lines.push(`Files    ${shortPath(entry.work)}`);
  if (status.state !== 'done')
    lines.push(`Go on    npx sam-mil resume ${entry.run}   tries again what failed`);
  const held = status.stages.find(({ state }) => state === 'held');
  if (held !== undefined)
    lines.push(`         npx sam-mil skip ${entry.run} ${held.name}   goes on without it`);
  return lines;
}

function leavingLines({ run }: RunEntry, how: 'left' | 'stopped'): string[] {
  if (how === 'stopped') {
    return [`run ${run} is paused; nothing is lost`, `  go on       npx sam-mil resume ${run}`];
  }
  return [
    `run ${run} goes on without this command`,
    `  follow it   npx sam-mil status ${run} --watch`,
    `  stop it     npx sam-mil cancel ${run}`,
  ];
}

/** A held or failed run says which stages it is about; why each item failed stands below. */
function headline(status: RunStatus, palette: Palette): string {
  const took = formatDuration(((status.endedAt ?? Date.now()) - status.startedAt) / 1000);
  const bad = status.stages
    .filter(({ state }) => state === 'held' || state === 'failed')
    .map(({ name, failed, total, reason }) =>
      failed > 0 ? `${name}, ${failed} of ${plural(total, 'item')} failed` : `${name}: ${reason ?? 'failed'}`,
    );
  const text = bad.length > 0 ? `${stateText(status.state, palette)}: ${bad.join('; ')}` : status.message;
  return `\n${palette.bold(status.run)}  ${text}  ${palette.dim(`(${took})`)}`;
}
