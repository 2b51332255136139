import { addCounts, countMade, showEnded } from '../domain/engine/item/counts.js';
import type { RunBook } from './run-book.js';
import { isTakenOver, type StageStatus } from './messages.js';
import { reasonText } from './stage-tally.js';

/** Returns one sentence about a run for people: what it is doing, what it waits for, or how it ended. */
export function runMessage(run: string, book: RunBook): string {
  const stages = book.statuses;
  switch (book.state) {
    case 'running':
      return runningText(stages);
    case 'paused':
      return `paused, ${addCounts(stages).running} items still running; \`sam-mil resume ${run}\` continues the run`;
    case 'held': {
      const next = stages.some(isTakenOver)
        ? 'takes the work folder back'
        : `retries what failed; \`sam-mil skip ${run} STAGE\` continues without it`;
      return `held: ${reasons(stages, 'held')}. \`sam-mil resume ${run}\` ${next}`;
    }
    case 'failed':
      return `failed: ${reasons(stages, 'failed')}. \`sam-mil resume ${run}\` retries what failed`;
    case 'cancelled':
      return `cancelled; finished work is kept, \`sam-mil resume ${run}\` continues from there`;
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
  const excluded = idle === 0 ? '' : `, ${idle} were left out by \`if\``;
  const left = `${excluded}${failed === 0 ? '' : `, ${failed} failed items were tolerated`}`;
  const made = countMade(counts);
  if (made === 0) {
    const current = cached === 1 ? 'its one item is up to date' : `all ${cached} items are up to date`;
    return `done: nothing to do, ${current}${left}`;
  }
  return `done: ${made} items made, ${cached} were up to date${left}`;
}

function reasons(stages: StageStatus[], state: StageStatus['state']): string {
  const found = stages.filter((stage) => stage.state === state);
  return found.map((stage) => `${stage.name}: ${reasonText(stage) ?? state}`).join('; ');
}
