import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cli, CliOutcome } from '../../support/cli.js';
import { eventually } from '../../support/processes.js';
import { descendantsOf, sendSignal } from './process-table.js';

/** A `sam-mil` command of a trial. What it prints is also kept in a file. */
export class Command {
  readonly ended: Promise<CliOutcome>;
  private readonly cli: Cli;
  private outcome: CliOutcome | undefined;

  constructor(cli: Cli, log: string) {
    this.cli = cli;
    for (const stream of [cli.child.stdout, cli.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => appendFileSync(log, chunk));
    }
    this.ended = cli.ended.then((outcome) => (this.outcome = outcome));
  }

  get pid(): number {
    return this.cli.child.pid ?? 0;
  }

  get alive(): boolean {
    return this.outcome === undefined;
  }

  get code(): number | null | undefined {
    return this.outcome?.code;
  }

  get output(): string {
    return this.cli.output();
  }

  /** Waits for a text; throws if the command ends before, or when the time is over. */
  async says(text: RegExp, ms = 120_000): Promise<void> {
    await eventually(`the command says ${String(text)}`, () => text.test(this.output) || !this.alive, ms);
    if (!text.test(this.output)) throw new Error(`ended without saying ${String(text)}:\n${this.output}`);
  }

  /** The outcome, or undefined if the command still runs after this time. */
  endsWithin(ms: number): Promise<CliOutcome | undefined> {
    return Promise.race([this.ended, sleep(ms, undefined, { ref: false })]);
  }

  signal(signal: NodeJS.Signals): boolean {
    return this.alive && sendSignal(this.pid, signal);
  }

  /** Processes that it started and that have not ended. */
  get descendants(): number[] {
    return this.alive ? descendantsOf(this.pid) : [];
  }

  /** Asks it to stop, and kills it if it has not after this time. Returns whether it stopped when asked. */
  async stop(ms = 40_000): Promise<boolean> {
    this.signal('SIGTERM');
    const stopped = (await this.endsWithin(ms)) !== undefined;
    if (!stopped) this.signal('SIGKILL');
    await this.ended;
    return stopped;
  }

  /** How it ended, from what it printed: failures and the last lines. */
  get lastWords(): string {
    const lines = this.output.trim().split('\n');
    const telling = lines.filter((line) => /✘|sam-mil:|held|failed|refused/.test(line));
    return [...telling.slice(0, 3), lines.at(-1) ?? ''].map((line) => line.trim().slice(0, 200)).join(' / ');
  }
}
