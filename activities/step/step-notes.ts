import type { JsonObject } from '../../domain/json.js';
import type { Made, StepUse } from '../../domain/engine/store/receipt-record.js';
import type { Progress } from '../../domain/job.js';
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
  private use: StepUse = {};
  /** The first and the last report. */
  private readonly patches: { done: number; at: number }[] = [];

  /** The same attempt, whose warnings and resources are also kept here. */
  listenTo(attempt: Attempt): Attempt {
    if (attempt.waited !== undefined) this.use = { waited: attempt.waited };
    return {
      ...attempt,
      onProgress: (report) => {
        this.count(report);
        attempt.onProgress(report);
      },
      onLog: (level, message, facts) => {
        if (level === 'warn' && this.warnings.size < MOST_WARNINGS) this.warnings.add(asText(message, facts));
        attempt.onLog(level, message, facts);
      },
      onUsage: (usage) => {
        this.use = { ...this.use, ...usage };
      },
      onGpu: (gpu, waited) => {
        const before = this.use.waited ?? 0;
        if (waited > 0) this.use = { ...this.use, waited: Math.round((before + waited) * 1000) / 1000 };
        attempt.onGpu?.(gpu, waited);
      },
      onGpuUse: (gpu) => {
        this.use = { ...this.use, gpu };
      },
    };
  }

  /** For {@link Made}. */
  get made(): StepUse & Pick<Made, 'warnings'> {
    const pace = this.patchesPerSecond;
    return {
      ...this.use,
      ...(pace !== undefined && { patchesPerSecond: pace }),
      ...(this.warnings.size > 0 && { warnings: [...this.warnings] }),
    };
  }

  private count({ unit, done }: Progress): void {
    if (unit === 'patches') this.patches.splice(1, 1, { done, at: performance.now() });
  }

  /** Without the time to load the model; patches of an earlier attempt do not count. */
  private get patchesPerSecond(): number | undefined {
    const [first, last] = this.patches;
    if (last === undefined || last.done <= first.done) return undefined;
    return Math.round(((last.done - first.done) / (last.at - first.at)) * 1e4) / 10;
  }
}

function asText(message: string, facts: JsonObject = {}): string {
  const list = Object.values(facts).flatMap((value) => (Array.isArray(value) ? value : [value]));
  const shown = list.flatMap((value) => (value === null || typeof value === 'object' ? [] : [`${value}`]));
  const text = shown.length === 0 ? message : `${message}: ${shown.join(', ')}`;
  return text.length > LONGEST_WARNING ? `${text.slice(0, LONGEST_WARNING - 1)}…` : text;
}
