import { pickCounts } from '../../domain/engine/item/counts.js';
import type { RunListener, RunOutcome, RunView } from '../run/events.js';
import { readResources } from '../run/resources.js';
import type { RunEntry } from '../run/run-index.js';
import { resultObject } from './run-end.js';

/**
 * For `--json`: prints a line for each change of a stage, for each retry of a step, for each new failed item,
 * and for the end of the run. Text for people goes to stderr.
 */
export class JsonDisplay implements RunListener {
  private readonly shown = new Map<string, string>();
  private readonly printed = new Set<string>();

  status({ status, activities }: RunView): void {
    for (const { stage, key, step, attempt, lastFailure } of activities) {
      if (attempt > 1) this.once({ event: 'retry', stage, key, step, attempt, error: lastFailure });
    }
    for (const stage of status.stages) {
      const { name, state } = stage;
      const line = JSON.stringify({ event: 'stage', stage: name, state, ...pickCounts(stage, 'idle') });
      if (state !== 'waiting' && this.shown.get(name) !== line) console.log(line);
      this.shown.set(name, line);
      for (const failure of stage.failures) this.once({ event: 'failed', ...failure });
    }
  }

  private once(object: object): void {
    const text = JSON.stringify(object);
    if (!this.printed.has(text)) console.log(text);
    this.printed.add(text);
  }

  setUp(line: string): void {
    console.error(`  ${line}`);
  }

  line(text: string): void {
    console.error(text);
  }

  async ended(entry: RunEntry, outcome: RunOutcome): Promise<void> {
    console.log(JSON.stringify(resultObject(entry, outcome, await readResources(entry))));
  }

  closed(): void {
    // Every line has been written.
  }
}
