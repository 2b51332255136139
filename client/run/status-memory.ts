import type { RunStatus } from '../../workflows/messages.js';
import { rememberStatus, type RunEntry } from './run-index.js';

/**
 * Saves the status of a run whenever a state in it changes: a process that is killed must not leave an older
 * one behind, which `ls` and `status` would show.
 */
export class StatusMemory {
  private readonly entry: RunEntry;
  private last: RunStatus | undefined;
  private saved = '';

  constructor(entry: RunEntry) {
    this.entry = entry;
  }

  see(status: RunStatus): void {
    this.last = status;
    const states = [status.state, ...status.stages.map(({ state }) => state)].join();
    if (states !== this.saved) this.save();
    this.saved = states;
  }

  /** Saves the last status with its counts. */
  save(): void {
    if (this.last !== undefined) rememberStatus(this.entry, this.last);
  }
}
