import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { ensureTemporalServer } from '../../client/server/temporal-server.js';

/**
 * A real development server for tests: its own SQLite file, a free loopback port, killed with SIGKILL or
 * stopped at will.
 */
export class TestServer {
  /** Changes only during the first start of the server. */
  address: string;
  /** A namespace that no other server has, which proves that this server answers. */
  private readonly mark = `mark-${randomUUID()}`;
  private readonly program: string;
  private readonly folder: string;
  private child: ChildProcess | undefined;

  private constructor(program: string, folder: string, port: number) {
    this.program = program;
    this.folder = folder;
    this.address = `127.0.0.1:${port}`;
  }

  static async start(): Promise<TestServer> {
    const { path } = await ensureTemporalServer();
    const folder = mkdtempSync(join(tmpdir(), 'sam-mil-server-'));
    const server = new TestServer(path, folder, await freePort());
    // A port that was free a moment ago may now be used by another test; the server then exits immediately.
    for (let tries = 0; !(await server.comesUp()); tries++) {
      if (tries === 5) throw new Error('the Temporal server finds no free port');
      server.address = `127.0.0.1:${await freePort()}`;
    }
    return server;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Starts it again on the same file and port after {@link kill}; resolves when it answers. */
  async up(): Promise<void> {
    if (!(await this.comesUp())) throw new Error(`the Temporal server at ${this.address} ended at once`);
  }

  /** Returns false if the process ends instead of answering. */
  private async comesUp(): Promise<boolean> {
    const port = this.address.split(':')[1];
    const options = [
      ...['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', port],
      ...['--db-filename', join(this.folder, 'temporal.db'), '--log-level', 'never'],
      ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'],
      ...['--namespace', this.mark],
      ...['--dynamic-config-value', 'matching.numTaskqueueWritePartitions=1'],
    ];
    const child = spawn(this.program, options, { stdio: 'ignore' });
    this.child = child;
    child.unref();
    for (let tries = 0; tries < 300; tries++) {
      await sleep(100);
      if (child.exitCode !== null) return false;
      if (await this.answers()) return true;
    }
    throw new Error(`the Temporal server at ${this.address} does not answer`);
  }

  /** SIGKILL: nothing is flushed and no worker is notified. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    // Otherwise this process may have nothing left to wait for and exit here without cleaning up.
    child.ref();
    child.kill(signal);
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async answers(): Promise<boolean> {
    const connection = Connection.lazy({ address: this.address });
    try {
      await connection.withDeadline(Date.now() + 1000, () =>
        connection.workflowService.describeNamespace({ namespace: this.mark }),
      );
      return true;
    } catch {
      return false;
    } finally {
      await connection.close();
    }
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
