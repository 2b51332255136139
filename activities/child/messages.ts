import type { WireError } from '../../domain/errors.js';
import type { JobResult, Progress } from '../../domain/job.js';
import type { JsonObject } from '../../domain/json.js';
import type { Usage } from '../../domain/machine/usage.js';

/** Messages between a worker and its forked children over the IPC channel. */

/** The serializable part of a job; the child adds signal, progress and log. */
export interface ChildJob {
  activity: string;
  with: JsonObject;
  work: string;
  run: string;
  name: string;
  hidden: JsonObject;
  scratch: string;
  checkpoint: string;
}

/** A plugin that a child loads, with the digest of the code that its worker loaded. */
export interface ChildPlugin {
  /** Absolute path. */
  path: string;
  digest: string;
}

export type ToChild = { type: 'run'; job: ChildJob } | { type: 'cancel'; reason: string };

export type FromChild =
  | { type: 'ready' }
  | { type: 'progress'; report: Progress }
  | { type: 'log'; level: 'info' | 'warn'; message: string; facts?: JsonObject }
  | { type: 'result'; result: JobResult; rss: number; usage: Usage }
  | { type: 'error'; error: WireError; rss: number };
