import type { RunStatus, StageStatuses } from './messages.js';

export type Waited = Pick<RunStatus, 'waitedMs' | 'waitingSince'>;

/** Measures how long a run waits for its user, paused or held. */
export class WaitingTime {
  private waited: Waited = {};

  /** Adds a wait that has ended to the time of the stages that went through it. */
  see(waits: boolean, stages: StageStatuses, now: number): Waited {
    const { waitedMs = 0, waitingSince } = this.waited;
    if (waits && waitingSince === undefined) this.waited = { ...this.waited, waitingSince: now };
    if (waits || waitingSince === undefined) return this.waited;
    const pause = now - waitingSince;
    for (const stage of stages) if (stage.state === 'running') stage.waitedMs = (stage.waitedMs ?? 0) + pause;
    return (this.waited = { waitedMs: waitedMs + pause });
  }
}
