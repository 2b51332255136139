import { pickCounts } from '../../domain/engine/item/counts.js';
import type { Display } from './display.js';
import type { RunView } from './render-status.js';

/** `--json`: a line for each change of a stage, one for each newly failed item; text for people goes to stderr. */
export class JsonDisplay implements Display {
  private readonly said = new Map<string, string>();
  private readonly failures = new Set<string>();

  show({ status }: RunView): void {
    for (const stage of status.stages) {
      const { name, state } = stage;
      const line = JSON.stringify({ event: 'stage', stage: name, state, ...pickCounts(stage, 'idle') });
      if (state !== 'waiting' && this.said.get(name) !== line) console.log(line);
      this.said.set(name, line);
      for (const failure of stage.failures) {
        const text = JSON.stringify({ event: 'failed', ...failure });
        if (!this.failures.has(text)) console.log(text);
        this.failures.add(text);
      }
    }
  }

  line(text: string): void {
    console.error(text);
  }

  end(): void {
    // Nothing is held back.
  }
}
