import type { StepResources } from '../../domain/engine/store/step-resources.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { pickCounts } from '../../domain/engine/item/counts.js';
import { isTakenOver, type RunStatus } from '../../workflows/messages.js';
import { hasChangedSource } from '../run/changed-source.js';
import type { RunOutcome } from '../run/events.js';
import type { RunEntry } from '../run/run-index.js';
import { metricsTable } from './metrics.js';
import { renderFailures, stateText, type Palette } from './render-status.js';
import { plural, shortPath } from './render-text.js';
import { findReports } from './reports.js';
import { workingTimeText } from './working-time.js';

/** Returns the last object of `--json`. */
export function resultObject(
  entry: RunEntry,
  outcome: RunOutcome,
  resources: readonly StepResources[],
): object {
  const status = outcome.ended === 'result' ? outcome.status : undefined;
  return {
    run: entry.run,
    status: status?.state ?? (outcome.ended === 'left' ? 'running' : 'paused'),
    work: entry.work,
    stages: (status?.stages ?? []).map((stage) => {
      const { name, state, reason, error } = stage;
      return { name, state, ...pickCounts(stage, 'running'), reason, error };
    }),
    failed: (status?.stages ?? []).flatMap((stage) => stage.failures),
    resources,
  };
}

/**
 * Renders the end of a run for people: how it ended, what failed, the metrics table, the report's path, and
 * what to do next.
 */
export async function resultLines(
  entry: RunEntry,
  readPlan: () => Plan,
  outcome: RunOutcome,
  palette: Palette,
): Promise<string[]> {
  if (outcome.ended !== 'result') return leavingLines(entry, outcome.ended);
  const { status } = outcome;
  const plan = readPlan();
  const lines = [headline(status, palette), ...renderFailures(status, palette)];
  for (const { stage, html, metrics } of await findReports(entry, plan)) {
    // A restarted run keeps what its earlier execution showed until the stage ends again.
    if (status.stages.find(({ name }) => name === stage)?.state !== 'done') continue;
    if (metrics !== undefined)
      lines.push('', ...(await metricsTable(metrics, palette, process.stdout.columns)));
    lines.push('', `Report   ${shortPath(html)}`);
  }
  lines.push(`Files    ${shortPath(entry.work)}`);
  return [...lines, ...nextLines(status, entry, plan)];
}

/** What the user can do about a run that is not done. */
function nextLines({ run, state, stages }: RunStatus, { work }: RunEntry, plan: Plan): string[] {
  if (state === 'done') return [];
  const resume = `Resume   npx sam-mil resume ${run}`;
  if (state === 'cancelled') return [`${resume}   continues where it stopped`];
  // Nothing of it can continue, not even without a stage.
  if (state === 'replaced' || stages.some(isTakenOver))
    return [`${resume}   takes the work folder back and ends the run that uses it`];
  const lines = [`${resume}   retries what failed`];
  if (hasChangedSource(plan))
    lines.push(
      `Run      npx sam-mil run ${shortPath(plan.source.path)} --work ${shortPath(work)}   takes the changes of the file since this run was started`,
    );
  const held = stages.find((stage) => stage.state === 'held');
  if (held !== undefined)
    lines.push(`         npx sam-mil skip ${run} ${held.name}   continues without the items that failed`);
  return lines;
}

function leavingLines({ run }: RunEntry, how: 'left' | 'paused'): string[] {
  if (how === 'paused') {
    return [`run ${run} is paused; nothing is lost`, `  resume it   npx sam-mil resume ${run}`];
  }
  return [
    `run ${run} continues without this command`,
    `  follow it   npx sam-mil status ${run} --watch`,
    `  stop it     npx sam-mil cancel ${run}`,
  ];
}

/** Names the stages that are held or failed; the errors of failed items follow below. */
function headline(status: RunStatus, palette: Palette): string {
  const bad = status.stages
    .filter(({ state }) => state === 'held' || state === 'failed')
    .map(({ name, failed, total, reason, error }) => {
      if (failed > 0) return `${name}, ${failed} of ${plural(total, 'item')} failed`;
      return error === undefined ? `${name}: ${reason ?? 'failed'}` : `${name} failed`;
    });
  // What failed before is not how it ended.
  const ended = status.state === 'cancelled' || status.state === 'replaced';
  const text =
    bad.length > 0 && !ended ? `${stateText(status.state, palette)}: ${bad.join('; ')}` : status.message;
  return `\n${palette.bold(status.run)}  ${text}  ${palette.dim(`(${workingTimeText(status, Date.now())})`)}`;
}
