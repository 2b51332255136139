import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunStatus } from '../../workflows/messages.js';
import type { Session } from '../server/connect.js';
import { BeatMemory } from './beats.js';
import type { RunView } from './events.js';
import { clock } from './pending-activities.js';
import { RemoteRun } from './remote-run.js';
import { explainSilence, viewRun } from './view-run.js';
import {
  endedBadly,
  isAwayError,
  refusalIn,
  statusOfFailure,
  unknownRun,
  waitForEnd,
  type RunEnd,
} from './wait-for-end.js';

export interface FollowOptions {
  /** Called with each new view. */
  show(view: RunView): void;
  /** Called with a line about the server: what no view can say yet, and that it has moved. */
  say(line: string): void;
  /** Called once per round, while the server answers, to keep the local worker alive. */
  tend?(): Promise<void> | undefined;
  /** Whether the local worker has just been started: that it does not answer yet is no trouble. */
  starting?(): boolean | undefined;
  /** Called after the session has followed its server to another address. */
  moved?(): Promise<void>;
  /** The status in the work folder if the run has ended: Temporal keeps no result of a cancelled run. */
  record?(): RunStatus | undefined;
  /** Prefix of the run's task queues if it is not the default. */
  prefix?: string;
  /** Stops following; the run continues. */
  signal?: AbortSignal;
}

/** The server of the run, and the connection to it. */
export type RunServer = Pick<Session, 'client' | 'address' | 'reconnect'>;

const ROUND_MILLISECONDS = 1000;

/**
 * Follows a run until it has ended or is held, also while its server is away: only the signal ends that wait.
 * Returns its last status, undefined if the signal came first.
 * @throws SamMilError Internal for a run that ended without a result, Unavailable for one that was terminated
 * or that the server does not know
 */
export async function followRun(
  server: RunServer,
  run: string,
  options: FollowOptions,
): Promise<RunStatus | undefined> {
  const waiting = new AbortController();
  const follower = new Follower(server, run, options);
  // The end arrives without a worker and without delay; queries need both.
  waitForEnd(() => server.client, run, waiting.signal).then(
    (end) => (follower.end = end),
    (error: unknown) => (follower.end = { failure: error }),
  );
  try {
    return await follower.follow();
  } finally {
    // An open call would be retried on the closed connection.
    waiting.abort();
  }
}

class Follower {
  end: RunEnd | undefined;
  private readonly server: RunServer;
  private readonly run: string;
  private readonly options: FollowOptions;
  private view: RunView | undefined;
  private said: string | undefined;
  /** When the server last answered, until it does not. */
  private answered = Date.now();
  private away = false;
  private readonly beats = new BeatMemory();

  constructor(server: RunServer, run: string, options: FollowOptions) {
    this.server = server;
    this.run = run;
    this.options = options;
  }

  async follow(): Promise<RunStatus | undefined> {
    const { signal } = this.options;
    while (signal?.aborted !== true) {
      // A worker cannot start while the server is away.
      if (!this.away) await this.options.tend?.();
      const ended = this.statusAtEnd();
      if (ended !== undefined) {
        this.options.show({ status: ended, activities: [], now: Date.now() });
        return ended;
      }
      await this.interruptible(() => this.look());
      if (this.view?.status.state === 'held' && this.view.trouble === undefined) return this.view.status;
      await sleep(ROUND_MILLISECONDS, undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }

  private statusAtEnd(): RunStatus | undefined {
    const { end } = this;
    if (end === undefined) return undefined;
    if ('status' in end) return end.status;
    const status = statusOfFailure(end.failure) ?? this.options.record?.();
    if (status === undefined) throw endedBadly(this.run, end.failure);
    return status;
  }

  /** Ends the calls of a round when the signal is aborted: each may take seconds. */
  private async interruptible(work: () => Promise<void>): Promise<void> {
    const { signal } = this.options;
    // One per round, because each call leaves a listener behind.
    const round = new AbortController();
    setMaxListeners(0, round.signal);
    const stop = () => round.abort();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      await this.server.client.withAbortSignal(round.signal, work);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Shows the current view or, if no worker or server answers, the last view with the reason. */
  private async look(): Promise<void> {
    const { client } = this.server;
    let trouble: string | undefined;
    try {
      // Who is away answers nothing, and its state is asked with a shorter wait than a worker's answer.
      if (this.away) trouble = await this.troubleOf(undefined);
      if (!this.away) this.view = await viewRun(client, this.run, this.options.prefix, this.beats);
    } catch (error) {
      trouble = await this.troubleOf(error);
    }
    if (this.options.signal?.aborted === true) return;
    if (!this.away) this.answered = Date.now();
    if (trouble !== undefined) this.view &&= { ...this.view, activities: [], trouble };
    if (this.view !== undefined) this.options.show({ ...this.view, now: Date.now() });
    else if (this.options.starting?.() === true) return;
    else if (trouble !== undefined && trouble !== this.said) this.options.say((this.said = trouble));
  }

  /** Returns why there is no status, and finds out whether the server is away. */
  private async troubleOf(error: unknown): Promise<string | undefined> {
    try {
      const state = await new RemoteRun(this.server.client, this.run).state();
      this.away = false;
      if (state === 'gone') this.end ??= this.lost();
      return error === undefined ? undefined : await this.silentWorker(error);
    } catch (absence) {
      if (this.options.signal?.aborted === true) return undefined;
      if (!isAwayError(absence)) throw absence;
      this.away = true;
      if (await this.server.reconnect()) {
        this.away = false;
        await this.options.moved?.();
        this.options.say(`the Temporal server is at ${this.server.address} now`);
        return undefined;
      }
      return describeAbsence(this.server.address, this.answered, absence);
    }
  }

  private silentWorker(error: unknown): Promise<string> {
    const stages = this.view?.status.stages.flatMap(({ workflowId }) => workflowId ?? []) ?? [];
    const workflows = [...new Set([this.run, ...stages])];
    return explainSilence(this.server.client, workflows, error, this.options.prefix, this.beats);
  }

  private lost(): RunEnd {
    const status = this.options.record?.();
    return status === undefined ? { failure: unknownRun(this.run) } : { status };
  }
}

function describeAbsence(address: string, since: number, error: unknown): string {
  const refusal = refusalIn(error);
  const what = refusal === undefined ? 'has not answered' : `has refused this command (${refusal})`;
  return (
    `the Temporal server at ${address} ${what} since ${clock(since)}: steps that are running continue, and ` +
    'this command follows the run as soon as the server is back; Ctrl-C stops waiting'
  );
}
