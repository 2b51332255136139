import type { ErrorRecord } from '../../domain/errors.js';
import type { Progress } from '../../domain/job.js';
import type { RunStatus } from '../../workflows/messages.js';
import type { RunEntry } from './run-index.js';

/** An activity that is running now. */
export interface Activity {
  stage: string;
  /** The item. */
  key: string;
  step: string;
  attempt: number;
  /** From its last heartbeat. */
  progress?: Progress;
  /** Why the previous attempt ended. */
  lastFailure?: ErrorRecord;
  worker?: string;
  /** The GPU that it was assigned: `GPU 1`. */
  device?: string;
}

/** `tumor_001 extract`: item and step. A stage of one item has only its step. */
export function workName({ stage, key, step }: Activity): string {
  return key === stage || key === '' ? step : `${key} ${step}`;
}

/** A run at one moment. `now` and all times are milliseconds since 1970. */
export interface RunView {
  status: RunStatus;
  activities: readonly Activity[];
  /** Steps that wait for a slot of a worker, by stage; they do not count as running. */
  waiting?: Readonly<Record<string, number>>;
  now: number;
  /** An external problem that blocks the run: no worker, server unreachable. */
  trouble?: string;
}

/** Why {@link RunController.follow} returned. */
export type RunOutcome =
  /** The run ended or is held; `status` says which. */
  | { ended: 'result'; status: RunStatus }
  /**
   * Interrupted: `left` if another worker continues the run, `paused` if its only worker was this command's.
   */
  | { ended: 'left' | 'paused' };

/**
 * What a {@link RunController} reports. The terminal display, the `--json` display and the library each
 * implement it. The controller calls one method at a time.
 */
export interface RunListener {
  /** A line about preparing this machine or its server. */
  setUp(line: string): void;
  /** A line about the run: which server it uses, whether it is new, what is terminated for it. */
  line(text: string): void;
  /** The run as it is now, about once a second. */
  status(view: RunView): void;
  /** The run is no longer followed. The controller waits for the promise. */
  ended(entry: RunEntry, outcome: RunOutcome): void | Promise<void>;
  /** Nothing more follows, also after an error. May be called more than once. */
  closed(): void;
}
