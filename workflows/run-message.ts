import { addCounts, countMade, showEnded } from '../domain/engine/item/counts.js';
import type { RunBook } from './run-book.js';
import type { StageStatus } from './messages.js';
import { reasonText } from './stage-tally.js';

/** One sentence on a run for people: what it does, what it waits for, how it ended. */
export function runMessage(run: string, book: RunBook): string {
  const stages = book.statuses;
  switch (book.state) {
    case 'running':
      return runningText(stages);
    case 'paused':
      return `paused, ${addCounts(stages).running} items still running; \`sam-mil resume ${run}\` lets new ones start`;
    case 'held':
      return (
        `held: ${reasons(stages, 'held')}. \`sam-mil resume ${run}\` tries what failed again; ` +
        `\`sam-mil skip ${run} STAGE\` goes on without it`
      );
    case 'failed':
      return `failed: ${reasons(stages, 'failed')}. \`sam-mil resume ${run}\` tries what failed again`;
    case 'cancelled':
      return `cancelled; what is finished stays, \`sam-mil resume ${run}\` goes on from there`;
    case 'done':
      return doneText(stages);
  }
}

function runningText(stages: StageStatus[]): string {
  const running = stages.filter(({ state }) => state === 'running');
  const parts = running.map((stage) => {
    return stage.total === 0 ? stage.name : `${stage.name} ${showEnded(stage)}`;
  });
  return parts.length === 0 ? 'starting' : `running ${parts.join(', ')}`;
}

function doneText(stages: StageStatus[]): string {
  const counts = addCounts(stages);
  const { cached, failed, idle } = counts;
  const unasked = idle === 0 ? '' : `, ${idle} were left out by \`if\``;
  const left = `${unasked}${failed === 0 ? '' : `, ${failed} failed items were tolerated`}`;
  const made = countMade(counts);
  if (made === 0) {
    const standing = cached === 1 ? 'its one item stands' : `all ${cached} items stand`;
    return `done: receipts show that nothing changed, ${standing}${left}`;
  }
  return `done: ${made} items made, ${cached} stood already${left}`;
}

function reasons(stages: StageStatus[], state: StageStatus['state']): string {
  const found = stages.filter((stage) => stage.state === state);
  return found.map((stage) => `${stage.name}: ${reasonText(stage) ?? state}`).join('; ');
}
