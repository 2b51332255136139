import { errorText } from '../domain/errors.js';
import { COUNTERS } from '../domain/engine/item/counts.js';
import type { FailedItem, Tally } from '../domain/engine/item/tally.js';
import type { StagePlan } from '../domain/engine/language/plan/plan.js';
import type { StageStatus } from './messages.js';

/** Returns why a stage counts as failed, or undefined if enough of its items succeeded. */
export function stageFailure(stage: StagePlan, { counts, failures }: Tally): string | undefined {
  const { total, done, skipped, failed } = counts;
  const well = total === 0 ? 1 : (done + skipped) / total;
  const stoppedEarly = stage.failFast && failed > 0;
  if (failed === 0 || (well >= stage.minSuccess && !stoppedEarly)) return undefined;
  const left = total - done - skipped - failed;
  const unstarted = left > 0 ? `, ${left} did not start (fail-fast)` : '';
  const minimum = stage.minSuccess < 1 ? `; min-success is ${stage.minSuccess}` : '';
  const first = failures.length > 0 ? `. First: ${failureText(failures[0])}` : '';
  return `${failed} of ${total} items failed${unstarted}${minimum}${first}`;
}

function failureText({ key, step, error }: FailedItem): string {
  return `${key}${step === undefined ? '' : ` (${step})`}: ${error.code}: ${errorText(error)}`;
}

/** Returns why a stage is in its state, as text for Temporal's Web UI and the run's message. */
export function reasonText({ reason, error }: Pick<StageStatus, 'reason' | 'error'>): string | undefined {
  return error === undefined ? reason : errorText(error);
}

/** Renders a table for Temporal's Web UI. */
export function markdownTable(stages: StageStatus[]): string {
  const head = ['stage', 'state', ...COUNTERS];
  const rows = stages.map((stage) => [
    stage.name,
    stage.state,
    ...COUNTERS.map((cell) => String(stage[cell])),
  ]);
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const reasons = stages.flatMap((stage) => {
    const reason = reasonText(stage);
    return reason === undefined ? [] : [`- **${stage.name}**: ${reason}`];
  });
  return [line(head), line(head.map(() => '--')), ...rows.map(line), '', ...reasons].join('\n');
}
