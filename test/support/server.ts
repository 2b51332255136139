import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { embeddedConnection } from '../../client/server/embedded-credential.js';
import { ensureTemporalServer } from '../../client/server/temporal-server.js';

/**
 * A real server for tests, the same program as the embedded one: its own state folder, a free loopback port,
 * killed with SIGKILL or stopped at will.
 */
export class TestServer {
  /** Changes only during the first start of the server. */
  address: string;
  /** State folder, with the database and the credentials. */
  readonly folder: string;
  /** A namespace that no other server has, which proves that this server answers. */
  private readonly mark = `mark-${randomUUID()}`;
  private readonly program: string;
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

  /** Options of a client's or a worker's connection: the server refuses whoever has no certificate. */
  get connection(): ReturnType<typeof embeddedConnection> {
    return embeddedConnection(this.address, this.folder);
  }

  /**
   * Variables with which another process reaches this server, also one of an account that cannot read its
   * folder.
   */
  get environment(): NodeJS.ProcessEnv {
    const read = (name: string) => readFileSync(join(this.folder, 'tls', name), 'utf8');
    return {
      TEMPORAL_ADDRESS: this.address,
      TEMPORAL_TLS_SERVER_NAME: 'localhost',
      TEMPORAL_TLS_SERVER_CA_CERT_DATA: read('ca.pem'),
      TEMPORAL_TLS_CLIENT_CERT_DATA: read('client.pem'),
      TEMPORAL_TLS_CLIENT_KEY_DATA: read('client.key'),
    };
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
    const options = ['-folder', this.folder, '-port', port, '-ui=false', '-namespace', this.mark];
    const child = spawn(this.program, options, { stdio: 'ignore' });
    this.child = child;
    child.unref();
    for (let tries = 0; tries < 300; tries++) {
      await sleep(100);
      if (child.exitCode !== null) return false;
      if (await this.answers()) return true;
    }
    await this.kill();
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

  /** Removes its database, as if it had started on another disk; after {@link kill}. */
  forget(): void {
    const files = readdirSync(this.folder).filter((name) => /^temporal-.*\.db/.test(name));
    for (const name of files) rmSync(join(this.folder, name));
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async answers(): Promise<boolean> {
    // The program creates its credentials at its first start.
    if (!existsSync(join(this.folder, 'server.json'))) return false;
    const connection = Connection.lazy(this.connection);
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
