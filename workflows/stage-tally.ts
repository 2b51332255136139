import type { ItemResult, SettledCounts } from '../activities/engine/stage-messages.js';
import type { StagePlan } from '../domain/engine/language/plan/plan.js';
import type { FailedItem, StageStatus } from './messages.js';
import type { Tally } from './stage-input.js';

const SHOWN_FAILURES = 5;

export function emptyTally(total: number): Tally {
  return { counts: { total, done: 0, cached: 0, idle: 0, skipped: 0, failed: 0 }, failures: [] };
}

/** Counts what a page's check settled. */
export function addSettled(tally: Tally, { cached, idle, skipped, failed }: SettledCounts): void {
  tally.counts.done += cached + idle;
  tally.counts.idle += idle;
  tally.counts.cached += cached;
  tally.counts.skipped += skipped;
  tally.counts.failed += failed;
}

export function addResult(tally: Tally, stage: string, result: ItemResult): void {
  tally.counts[result.status] += 1;
  if (result.status === 'done' && result.cached) tally.counts.cached += 1;
  if (result.idle) tally.counts.idle += 1;
  if (result.status === 'failed' && tally.failures.length < SHOWN_FAILURES) {
    tally.failures.push(failedItem(stage, result));
  }
}

export function failedItem(
  stage: string,
  { key, step, code, reason }: Pick<ItemResult, 'key' | 'step' | 'code' | 'reason'>,
): FailedItem {
  return {
    stage,
    key,
    ...(step === undefined ? {} : { step }),
    code: code ?? 'Internal',
    reason: reason ?? '',
  };
}

/** Why a stage counts as failed, or undefined where enough of its items ended well. */
export function stageFailure(stage: StagePlan, { counts, failures }: Tally): string | undefined {
  const { total, done, skipped, failed } = counts;
  const well = total === 0 ? 1 : (done + skipped) / total;
  const stoppedEarly = stage.failFast && failed > 0;
  if (failed === 0 || (well >= stage.minSuccess && !stoppedEarly)) return undefined;
  const left = total - done - skipped - failed;
  const unstarted = left > 0 ? `, ${left} did not start (fail-fast)` : '';
  const wanted = stage.minSuccess < 1 ? `; min-success is ${stage.minSuccess}` : '';
  const first = failures.length > 0 ? `. First: ${failureText(failures[0])}` : '';
  return `${failed} of ${total} items failed${unstarted}${wanted}${first}`;
}

export function failureText({ key, step, code, reason }: FailedItem): string {
  return `${key}${step === undefined ? '' : ` (${step})`}: ${code}: ${reason}`;
}

const CELLS = ['total', 'done', 'cached', 'idle', 'skipped', 'failed', 'running'] as const;

/** A table for Temporal's web page. */
export function markdownTable(stages: StageStatus[]): string {
  const head = ['stage', 'state', ...CELLS];
  const rows = stages.map((stage) => [stage.name, stage.state, ...CELLS.map((cell) => String(stage[cell]))]);
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const reasons = stages
    .filter(({ reason }) => reason !== undefined)
    .map(({ name, reason }) => `- **${name}**: ${reason}`);
  return [line(head), line(head.map(() => '--')), ...rows.map(line), '', ...reasons].join('\n');
}
