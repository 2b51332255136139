import type { WorkflowExecutionDescription } from '@temporalio/client';
import { LONGEST_BEAT_MS } from '../../workflows/messages.js';

export type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** A running activity whose worker has stopped sending heartbeats. Times are milliseconds since 1970. */
export interface Silence {
  /** When its last heartbeat was seen. */
  since: number;
  /** When the server starts the activity again on another worker. */
  until: number;
}

/**
 * Remembers when each heartbeat was first seen, by the clock of this machine: that of the server may differ.
 * The first one of an activity is taken to be as old as the server says.
 */
export class BeatMemory {
  private readonly seen = new Map<string, { beat: number; at: number }>();

  /** Returns how long a running activity has been silent; undefined for one that may be alive. */
  silenceOf(workflowId: string, pending: Pending, now = Date.now()): Silence | undefined {
    const { lastHeartbeatTime, lastStartedTime, activityOptions, activityId } = pending;
    // A retried activity keeps the last heartbeat of its earlier attempt, which another worker sent.
    const beat = latest(milliseconds(lastHeartbeatTime), milliseconds(lastStartedTime));
    const timeout = milliseconds(activityOptions?.heartbeatTimeout);
    if (beat === undefined || !timeout) return undefined;
    const since = this.remember(`${workflowId} ${activityId}`, beat, now);
    const patience = Math.min(LONGEST_BEAT_MS, 0.8 * timeout) + Math.min(5000, 0.1 * timeout);
    return now - since < patience ? undefined : { since, until: since + timeout };
  }

  private remember(key: string, beat: number, now: number): number {
    const known = this.seen.get(key);
    if (known?.beat === beat) return known.at;
    const at = known === undefined ? Math.min(beat, now) : now;
    this.seen.set(key, { beat, at });
    return at;
  }
}

function latest(...times: (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function milliseconds(time: Pending['lastHeartbeatTime']): number | undefined {
  return time ? Number(time.seconds ?? 0) * 1000 + Math.floor((time.nanos ?? 0) / 1e6) : undefined;
}
