import { COUNTERS } from '../domain/engine/item/counts.js';
import type { FailedItem, Tally } from '../domain/engine/item/tally.js';
import type { StagePlan } from '../domain/engine/language/plan/plan.js';
import type { StageStatus } from './messages.js';

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

/** A table for Temporal's web page. */
export function markdownTable(stages: StageStatus[]): string {
  const head = ['stage', 'state', ...COUNTERS];
  const rows = stages.map((stage) => [
    stage.name,
    stage.state,
    ...COUNTERS.map((cell) => String(stage[cell])),
  ]);
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const reasons = stages
    .filter(({ reason }) => reason !== undefined)
    .map(({ name, reason }) => `- **${name}**: ${reason}`);
  return [line(head), line(head.map(() => '--')), ...rows.map(line), '', ...reasons].join('\n');
}
