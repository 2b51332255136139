import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RandomStream } from '../../../domain/random.js';
import { launchCli, type Launch } from '../../support/cli.js';
import { Command } from './command.js';
import { markedProcesses, markEnvironment, sendSignal, type ProcessFacts } from './process-table.js';
import type { Reference } from './reference.js';

/** What the scenes of one invocation share. */
export interface Session {
  /** Scratch folder that holds one folder per trial. */
  folder: string;
  /** Mark of every process that any of its trials starts. */
  mark: string;
  seed: number;
  reference: Reference;
  /** Scenes that are not closed. */
  open: Set<Scene>;
  /** Receives each line of evidence when it is known. */
  say(line: string): void;
}

/**
 * Where a trial takes place: a folder, the processes started there, a stream of random numbers, and what was
 * done and found.
 */
export class Scene {
  readonly folder: string;
  /** The temporary folder of all its processes. */
  readonly temporary: string;
  readonly seed: number;
  readonly random: RandomStream;
  readonly reference: Reference;
  /** How often each disturbance was made. */
  readonly counts: Record<string, number> = {};
  readonly evidence: string[] = [];
  readonly faults: string[] = [];
  private readonly session: Session;
  private readonly mark: string;
  private readonly cleanUps: (() => void)[] = [];

  constructor(session: Session, name: string) {
    this.session = session;
    this.reference = session.reference;
    this.folder = join(session.folder, name);
    this.temporary = join(this.folder, 'temporary');
    mkdirSync(this.temporary, { recursive: true });
    this.mark = `${session.mark}/${name}`;
    session.open.add(this);
    this.seed = session.seed;
    this.random = new RandomStream('trial', name, session.seed);
  }

  /** Starts `sam-mil` in a folder of the scene. `log` names the file that keeps its output. */
  start(log: string, folder: string, args: readonly string[], launch: Launch = {}): Command {
    const environment = { ...this.environment, ...launch.environment };
    const cli = launchCli(folder, args, { ...launch, environment });
    return new Command(cli, join(this.folder, `${log}.log`));
  }

  /** Marks other programs of the trial, so that they are found and ended with it. */
  get environment(): NodeJS.ProcessEnv {
    return { ...markEnvironment(this.mark), TMPDIR: this.temporary };
  }

  /** All its processes that have not ended, those of killed parents too. */
  get processes(): ProcessFacts[] {
    return markedProcesses(this.mark);
  }

  disturbed(kind: string, detail = ''): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    this.session.say(`${kind} ${detail}`.trimEnd());
  }

  note(line: string): void {
    this.evidence.push(line);
    this.session.say(line);
  }

  /** Records a fault unless the guarantee holds. Returns whether it does. */
  expect(holds: boolean, guarantee: string, found?: string): boolean {
    const line = `${guarantee}${found === undefined ? '' : `: ${found}`}`;
    if (holds) this.note(`✔ ${guarantee}`);
    else this.faults.push(line);
    if (!holds) this.session.say(`✘ ${line}`);
    return holds;
  }

  /** Registers what must be undone at the end, whatever happens: a mount, a listening socket. */
  atEnd(cleanUp: () => void): void {
    this.cleanUps.unshift(cleanUp);
  }

  /** Ends every process of the scene and undoes the rest. */
  async close(): Promise<void> {
    await endMarked(this.mark);
    for (const cleanUp of this.cleanUps.splice(0)) cleanUp();
    this.session.open.delete(this);
  }
}

/** Kills all processes with a mark. One that forks at that moment is found in the next round. */
export async function endMarked(mark: string): Promise<void> {
  for (let rounds = 0; rounds < 50; rounds++) {
    const left = markedProcesses(mark);
    if (left.length === 0) return;
    for (const { pid } of left) sendSignal(pid, 'SIGKILL');
    await sleep(100);
  }
}
