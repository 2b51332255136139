import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface CommandOutcome {
  /** Exit code; undefined if the command did not end within three minutes. */
  code: number | undefined;
  /** Everything that the command printed. */
  text: string;
}

const PROGRAM = fileURLToPath(new URL('./command-process.js', import.meta.url));

/** Runs commands of the command line one after the other in one process, with its state in `folder`. */
export class CommandLine {
  private readonly folder: string;
  private child: ChildProcess | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  async run(...args: string[]): Promise<CommandOutcome> {
    const child = (this.child ??= this.start());
    child.send(args);
    const ended = once(child, 'message').then(([outcome]) => outcome as CommandOutcome);
    const late = sleep(180_000, { code: undefined, text: '' }, { ref: false });
    return Promise.race([ended, late]);
  }

  stop(): void {
    this.child?.kill();
  }

  private start(): ChildProcess {
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      SAM_MIL_STATE: join(this.folder, 'state'),
      TEMPORAL_CONFIG_FILE: join(this.folder, 'none.toml'),
      NO_COLOR: '1',
    };
    for (const name of ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_NAMESPACE']) delete env[name];
    return fork(PROGRAM, { cwd: this.folder, env });
  }
}
