import { setTimeout as sleep } from 'node:timers/promises';
import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import {
  pauseUpdate,
  resumeUpdate,
  skipUpdate,
  statusQuery,
  type ResumeRequest,
  type RunState,
  type RunStatus,
} from '../../workflows/messages.js';
import type { SamMilError } from '../../domain/errors.js';
import { invalid } from '../command-line/errors.js';
import { waitForEnd } from './wait-for-end.js';

/**
 * What the server knows about a run. `gone`: the server never had it, or its history is past the retention
 * period.
 */
export type ServerState = 'open' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'gone';

const STATUS_MILLISECONDS = 5000;
const WORKER_MILLISECONDS = 60_000;

/** The error of a request to a run that has ended, or that the server does not know. */
export function notOpen(run: string, state: RunState | ServerState): SamMilError {
  const why = state === 'completed' ? '' : ` (${state})`;
  return invalid(
    state === 'gone' ? `the server does not know run ${run}` : `run ${run} has already ended${why}`,
    `to start it again: \`npx sam-mil resume ${run}\``,
  );
}

/**
 * A run on its Temporal server, with every query and request that a client sends to it. Status and requests
 * need a worker that answers; `state`, `cancel` and `terminate` do not. Methods throw the errors of
 * Temporal's client unless they say otherwise.
 */
export class RemoteRun {
  readonly name: string;
  private readonly client: Client;

  constructor(client: Client, name: string) {
    this.client = client;
    this.name = name;
  }

  /** Needs no worker. Throws if the server does not answer within 5 seconds. */
  async state(): Promise<ServerState> {
    try {
      const { status } = await this.client.withDeadline(Date.now() + STATUS_MILLISECONDS, () =>
        this.handle.describe(),
      );
      switch (status.name) {
        case 'RUNNING':
          return 'open';
        case 'COMPLETED':
          return 'completed';
        case 'CANCELLED':
          return 'cancelled';
        case 'FAILED':
          return 'failed';
        default:
          return 'terminated';
      }
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return 'gone';
      throw error;
    }
  }

  /** @throws SamMilError InvalidInput if the run is not open */
  async requireOpen(): Promise<void> {
    const state = await this.state();
    if (state !== 'open') throw notOpen(this.name, state);
  }

  /** Queries the run's status. Throws if no worker answers within 5 seconds. */
  status(): Promise<RunStatus> {
    return this.client.withDeadline(Date.now() + STATUS_MILLISECONDS, () => this.handle.query(statusQuery));
  }

  /**
   * Queries the status while a worker may still be starting. Throws the last error after a minute, or when
   * the signal is aborted.
   */
  async statusOnceServed(signal?: AbortSignal): Promise<RunStatus> {
    const deadline = Date.now() + WORKER_MILLISECONDS;
    for (;;) {
      try {
        return await this.status();
      } catch (error) {
        if (Date.now() > deadline || signal?.aborted === true || isReplayFault(error)) throw error;
        await sleep(300);
      }
    }
  }

  /** Pauses the run: no new items start. `milliseconds` limits the wait for a worker's answer. */
  pause(milliseconds: number): Promise<RunStatus> {
    return this.accepted('paused', () =>
      this.client.withDeadline(Date.now() + milliseconds, () => this.handle.executeUpdate(pauseUpdate)),
    );
  }

  /**
   * Pauses the run for a command that ends, whose worker may still be starting. Undefined for a run that has
   * ended meanwhile, or that no worker serves in time.
   */
  async pauseAndLeave(milliseconds: number): Promise<RunStatus | undefined> {
    const deadline = Date.now() + milliseconds;
    while (Date.now() < deadline) {
      try {
        return await this.pause(deadline - Date.now());
      } catch (error) {
        if (/already paused/.test(String(error))) return this.status().catch(() => undefined);
        if (!/reading its plan/.test(String(error))) return undefined;
      }
      await sleep(300);
    }
    return undefined;
  }

  /** Continues a paused run, or retries what failed in a held one. */
  resume(request: ResumeRequest = {}): Promise<RunStatus> {
    return this.accepted('resumed', () => this.handle.executeUpdate(resumeUpdate, { args: [request] }));
  }

  /** Continues a held run without a stage or an item. */
  skip(target: string): Promise<RunStatus> {
    return this.accepted(`continued without ${target}`, () =>
      this.handle.executeUpdate(skipUpdate, { args: [{ target }] }),
    );
  }

  /** @throws SamMilError InvalidInput with the run's reason, if it refuses the request */
  private async accepted<T>(what: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      throw invalid(`run ${this.name} cannot be ${what}: ${error.cause?.message ?? error.message}`);
    }
  }

  /**
   * Asks the run to stop at its next safe point, and waits until it has ended, also while the server is away.
   */
  async cancel(): Promise<void> {
    await this.handle.cancel();
    await waitForEnd(() => this.client, this.name, new AbortController().signal);
  }

  /** Ends the run at once. */
  async terminate(reason: string): Promise<void> {
    await this.handle.terminate(reason);
  }

  private get handle(): WorkflowHandle {
    return this.client.workflow.getHandle(this.name);
  }
}

/**
 * Whether the workflow code has changed so much since the run was started that its history cannot be
 * replayed.
 */
export function isReplayFault(error: unknown): boolean {
  return error instanceof Error && /nondeterminis|TMPRL1100/i.test(`${error.message} ${String(error.cause)}`);
}
