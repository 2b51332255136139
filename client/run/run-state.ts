import { readHolder } from '../../domain/engine/store/lease.js';
import type { RunState } from '../../workflows/messages.js';
import { locateEmbeddedServer } from '../server/embedded-server.js';
import { openSession, type ServerChoice, type Session } from '../server/connect.js';
import { notOpen, RemoteRun, type ServerState } from './remote-run.js';
import { lastSeenStatus, readRunRecord, type RunEntry } from './run-index.js';

/** How a run stands, by everything that this machine can find out. */
export interface KnownState {
  /**
   * Its own record first; then who holds its work folder; then its server. `stopped`: the run is open, but
   * the embedded server is not running. `unknown`: its server does not answer.
   */
  state: RunState | ServerState | 'stopped' | 'unknown';
  /** For a run without a record that was replaced: the run that holds the work folder. */
  by?: string;
}

/**
 * Returns how a run stands.
 * @param ask asks the run's server; undefined if it does not answer
 * @throws SamMilError InvalidInput if the record of how it ended is damaged
 */
export async function stateOf(
  entry: RunEntry,
  ask: (entry: RunEntry) => Promise<ServerState | undefined>,
): Promise<KnownState> {
  const record = readRunRecord(entry);
  if (record !== undefined) return { state: record.state };
  const by = await replacedBy(entry);
  if (by !== undefined) return { state: 'replaced', by };
  const answer = await ask(entry);
  if (answer !== undefined) return { state: answer };
  if (entry.server !== 'embedded') return { state: 'unknown' };
  const seen = lastSeenStatus(entry)?.status.state;
  return { state: seen === 'paused' || seen === 'held' ? seen : 'stopped' };
}

/** @throws SamMilError InvalidInput for a run that has ended by its own record, so that no server is asked */
export function refuseEnded(entry: RunEntry): void {
  const record = readRunRecord(entry);
  if (record !== undefined) throw notOpen(entry.run, record.state);
}

/**
 * Returns the run that has taken the work folder from a run without a record, which then publishes nothing
 * more, whatever its server says. A run takes the folder before it starts.
 */
export async function replacedBy({ work, run }: Pick<RunEntry, 'work' | 'run'>): Promise<string | undefined> {
  const holder = await readHolder(work);
  return holder === undefined || holder.run === run ? undefined : holder.run;
}

/** A run continues on the server it was started on, unless another one is named. */
export function serverOf(entry: Pick<RunEntry, 'server' | 'namespace'>, choice: ServerChoice): ServerChoice {
  const known = entry.server !== '' && entry.server !== 'embedded';
  if (!known || choice.address !== undefined || choice.profile !== undefined) return choice;
  return { address: entry.server, namespace: choice.namespace ?? entry.namespace };
}

/** Connections to the servers of several runs, one per server, opened when they are first asked. */
export class RunServers {
  private readonly sessions = new Map<string, Promise<Session | undefined>>();
  private readonly start: boolean;
  private readonly log: (line: string) => void;

  /** @param start starts the embedded server for a run that needs it */
  constructor(start = false, log: (line: string) => void = () => undefined) {
    this.start = start;
    this.log = log;
  }

  /** What the run's server says; undefined if it does not answer, or nobody knows which one it is. */
  async ask(entry: RunEntry): Promise<ServerState | undefined> {
    try {
      const session = await this.sessionOf(entry);
      return session && (await new RemoteRun(session.client, entry.run).state());
    } catch {
      return undefined;
    }
  }

  async close(): Promise<void> {
    for (const session of this.sessions.values()) await (await session)?.close();
  }

  private sessionOf({ server, namespace }: RunEntry): Promise<Session | undefined> {
    const key = `${server} ${namespace}`;
    const known = this.sessions.get(key);
    if (known !== undefined) return known;
    const opened = this.open(server, namespace).catch(() => undefined);
    this.sessions.set(key, opened);
    return opened;
  }

  private async open(server: string, namespace: string): Promise<Session | undefined> {
    if (server === '') return undefined;
    const { start, log } = this;
    if (server !== 'embedded') return openSession({ address: server, namespace }, { start: false, log });
    // Not `openSession({})`: the environment may name another server.
    const running = await locateEmbeddedServer();
    if (running === undefined && !start) return undefined;
    return openSession({ embedded: true, namespace }, { start, log });
  }
}
