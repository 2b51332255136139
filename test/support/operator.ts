import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { startCli, TOY_PLUGIN, type Cli } from './cli.js';
import { CommandLine, type CommandOutcome } from './command-line.js';

/** One server and one worker for all tests of a file, as separate processes like those of an operator. */
export class Operator {
  folder = '';
  /** Process id of the worker. */
  workerPid: number | undefined;
  private commands: CommandLine | undefined;

  constructor() {
    let processes: Cli[] = [];
    before(async () => {
      this.folder = mkdtempSync(join(tmpdir(), 'sam-mil-runs-'));
      const server = startCli(this.folder, 'server');
      await server.says('Web UI');
      const options = ['--no-set-up', '--concurrency', 'cpu=2', '--plugin', TOY_PLUGIN];
      const worker = startCli(this.folder, 'worker', ...options);
      this.workerPid = worker.child.pid;
      processes = [worker, server];
      await worker.says('worker serves engine, cpu, gpu');
    });
    after(async () => {
      for (const { child, ended } of processes) {
        child.kill('SIGTERM');
        assert.equal((await ended).code, 0);
      }
      this.commands?.stop();
      rmSync(this.folder, { recursive: true });
    });
  }

  /** Runs a command in a process of its own that takes the next one too. */
  readonly sam = (...args: string[]): Promise<CommandOutcome> => {
    this.commands ??= new CommandLine(this.folder);
    return this.commands.run(...args);
  };
}
