import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface CommandOutcome {
  /** Exit code; undefined if the command did not end within three minutes. */
  code: number | undefined;
  stdout: string;
  stderr: string;
  /** Everything that the command printed, in this order. */
  text: string;
}

const PROGRAM = fileURLToPath(new URL('./command-process.js', import.meta.url));

/**
 * Runs commands of the command line one after the other in one process, with its state in `folder`. Where a
 * test needs two at a time, a signal or the end of the process, use `startCli`.
 */
export class CommandLine {
  private readonly folder: string;
  private child: ChildProcess | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    this.folder = folder;
  }

  run(...args: string[]): Promise<CommandOutcome> {
    const outcome = this.last.then(() => this.next(args));
    this.last = outcome;
    return outcome;
  }

  private async next(args: string[]): Promise<CommandOutcome> {
    const child = (this.child ??= this.start());
    child.send(args);
    const ended = once(child, 'message').then(([outcome]) => outcome as CommandOutcome);
    const late = sleep(180_000, { code: undefined, stdout: '', stderr: '', text: '' }, { ref: false });
    return Promise.race([ended, late]);
  }

  stop(): void {
    this.child?.kill();
    this.child = undefined;
  }

  private start(): ChildProcess {
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      SAM_MIL_STATE: join(this.folder, 'state'),
      TEMPORAL_CONFIG_FILE: join(this.folder, 'none.toml'),
      NO_COLOR: '1',
    };
    for (const name of ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_NAMESPACE', 'FORCE_COLOR'])
      delete env[name];
    return fork(PROGRAM, { cwd: this.folder, env });
  }
}
