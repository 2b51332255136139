import type { Progress } from '../../domain/job.js';
import type { JsonObject } from '../../domain/json.js';
import type { Usage } from '../../domain/machine/usage.js';

/** One attempt at a step, as its caller sees it. */
export interface Attempt {
  /** Counts from 1. */
  number: number;
  signal: AbortSignal;
  onProgress(report: Progress): void;
  onLog(level: 'info' | 'warn', message: string, facts?: JsonObject): void;
  onUsage?(usage: Usage): void;
}
