import type { JsonObject } from '../../domain/json.js';
import type { Made } from '../../domain/engine/store/receipt-record.js';
import type { Usage } from '../../domain/machine/usage.js';
import type { Attempt } from './attempt.js';

/** More warnings of one step say nothing new, and a receipt is read often. */
const MOST_WARNINGS = 20;
const LONGEST_WARNING = 500;

/**
 * Collects what a receipt records about an attempt besides its outputs: warnings, which must be shown
 * wherever the outputs are used, also by later runs that find the step up to date, and resources.
 */
export class StepNotes {
  private readonly warnings = new Set<string>();
  private usage: Usage | undefined;

  /** The same attempt, whose warnings and resources are also kept here. */
  listenTo(attempt: Attempt): Attempt {
    return {
      ...attempt,
      onLog: (level, message, facts) => {
        if (level === 'warn' && this.warnings.size < MOST_WARNINGS) this.warnings.add(asText(message, facts));
        attempt.onLog(level, message, facts);
      },
      onUsage: (usage) => {
        this.usage = usage;
      },
    };
  }

  /** For {@link Made}. */
  get made(): Pick<Made, 'memory' | 'devices' | 'warnings'> {
    return { ...this.usage, ...(this.warnings.size > 0 && { warnings: [...this.warnings] }) };
  }
}

function asText(message: string, facts: JsonObject = {}): string {
  const list = Object.values(facts).flatMap((value) => (Array.isArray(value) ? value : [value]));
  const shown = list.flatMap((value) => (value === null || typeof value === 'object' ? [] : [`${value}`]));
  const text = shown.length === 0 ? message : `${message}: ${shown.join(', ')}`;
  return text.length > LONGEST_WARNING ? `${text.slice(0, LONGEST_WARNING - 1)}…` : text;
}
