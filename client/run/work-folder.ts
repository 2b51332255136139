import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { releaseLease } from '../../domain/engine/store/lease.js';
import { makeRunsFolder } from '../../domain/engine/store/runs-folder.js';
import { withFileLock } from '../../domain/machine/file-lock.js';
import type { Session } from '../server/connect.js';
import { busyFolder, isAtWork } from './at-work.js';
import { FolderHolder } from './holder.js';
import { homeOfCopied } from './home.js';
import { RemoteRun } from './remote-run.js';
import { recordEnd, runsIn, type RunEntry } from './run-index.js';
import { isSameStart, startAgain, startRun, type RunRequest } from './start-run.js';

/** Only the newest runs of a work folder are checked for being open. */
const NEWEST_RUNS = 20;

/** Why an open run cannot continue in a folder that it does not hold. */
export const LOST_FOLDER = 'its work folder was moved, or another run has used it since';

/** What to do about another run that uses the work folder. Default: refuse to start. */
export interface Conflicts {
  /** Take the folder from a run on another server. */
  takeOver?: boolean;
  /** Terminate a run that is at work. */
  replace?: boolean;
}

/**
 * Starts runs in a work folder so that at most one is open there: two would write into the same files. A
 * conflicting run of the same server is terminated if it is paused or held, or served by no worker, and its
 * finished work is kept; one that is at work, or of another server, keeps the folder.
 */
export class WorkFolder {
  private readonly work: string;
  private readonly session: Session;
  private readonly say: (line: string) => void;
  private readonly replace: boolean;
  private readonly holder: FolderHolder;

  /** @param say receives a line about each decision */
  constructor(
    work: string,
    session: Session,
    say: (line: string) => void,
    { takeOver = false, replace = false }: Conflicts = {},
  ) {
    this.work = work;
    this.session = session;
    this.say = say;
    this.replace = replace;
    this.holder = new FolderHolder(work, session, takeOver, say);
  }

  /**
   * Starts a run, or returns an open run of the same plan and request unless `fresh`.
   * @throws SamMilError InvalidInput if another run keeps the folder
   */
  start(plan: Plan, request: RunRequest, fresh: boolean): Promise<{ entry: RunEntry; isNew: boolean }> {
    return this.locked(async () => {
      await this.holder.requireFree();
      const replaced: RunEntry[] = [];
      for (const entry of await this.openRuns()) {
        const same = await isSameStart(entry, plan, request);
        if (same && !fresh && (await this.holder.isHeldBy(entry.run))) {
          this.say(`continuing run ${entry.run}, which is still open`);
          return { entry, isNew: false };
        }
        if (same) await this.terminate(entry, fresh ? 'a new run was requested' : LOST_FOLDER);
        else await this.makeWay(entry, 'different plan or selection', plan);
        replaced.push(entry);
      }
      const take = (run: string) => this.holder.take(run);
      const entry = await startRun(this.session, plan, request, take);
      await this.recordReplaced(replaced, entry.run);
      return { entry, isNew: true };
    });
  }

  /**
   * Restarts a known run under its name; terminates it first if it is open.
   * @throws SamMilError InvalidInput if another run keeps the folder
   */
  restart(entry: RunEntry, why: string): Promise<RunEntry> {
    return this.locked(async () => {
      await this.holder.requireFree();
      const others = (await this.openRuns()).filter((other) => other.run !== entry.run);
      for (const other of others) await this.makeWay(other, 'another run of its work folder is restarted');
      this.say(`restarting run ${entry.run} from its plan: ${why}; up-to-date steps are skipped`);
      const run = new RemoteRun(this.client, entry.run);
      if ((await run.state()) === 'open') await run.terminate(why);
      const started = await startAgain(this.session, entry, (name) => this.holder.take(name));
      await this.recordReplaced(others, entry.run);
      return started;
    });
  }

  /**
   * Whether an open run can continue: it still holds the folder, at this path.
   * @throws SamMilError InvalidInput if a run on another server holds the folder
   */
  isHeldBy({ run }: RunEntry): Promise<boolean> {
    return this.locked(async () => {
      if (await this.holder.isHeldBy(run)) return true;
      await this.holder.requireFree();
      return false;
    });
  }

  /** Frees the folder after a run was terminated, whose steps may still run. */
  async release({ run }: RunEntry): Promise<void> {
    if (existsSync(join(this.work, '.runs'))) await this.locked(() => releaseLease(this.work, run));
  }

  /** Two commands that start at once must not both find that no run is open. */
  private async locked<T>(start: () => Promise<T>): Promise<T> {
    return withFileLock(join(await makeRunsFolder(this.work), '.start.lock'), start);
  }

  private async openRuns(): Promise<RunEntry[]> {
    const newest = runsIn(this.work).slice(0, NEWEST_RUNS);
    const states = await Promise.all(newest.map(({ run }) => new RemoteRun(this.client, run).state()));
    const open = newest.filter((_, i) => states[i] === 'open');
    const homes = await Promise.all(open.map(homeOfCopied));
    return open.filter((_, i) => homes[i] === undefined);
  }

  private async makeWay(entry: RunEntry, why: string, plan?: Plan): Promise<void> {
    if (!this.replace && (await isAtWork(this.session, entry))) throw busyFolder(entry, plan);
    await this.terminate(entry, why);
  }

  private async terminate({ run }: RunEntry, why: string): Promise<void> {
    this.say(`terminating run ${run} (${why}); finished work is kept`);
    await new RemoteRun(this.client, run).terminate('replaced by another run of this work folder');
  }

  /** A terminated run cannot say how it ended, and would count as open where its server does not answer. */
  private async recordReplaced(entries: readonly RunEntry[], by: string): Promise<void> {
    for (const entry of entries) {
      const next = `\`sam-mil resume ${entry.run}\` takes the work folder back`;
      await recordEnd(entry, 'replaced', `replaced by run ${by}; finished work is kept, ${next}`);
    }
  }

  private get client(): Client {
    return this.session.client;
  }
}
