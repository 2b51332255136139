import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, connect as connectSocket, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { SamMilError } from '../../domain/errors.js';
import type { SetUpLog } from '../../domain/machine/cache-folder.js';
import { isProcessAlive, withFileLock } from '../../domain/machine/file-lock.js';
import { runCommand } from '../../domain/machine/run-command.js';
import { ensureTemporalServer } from './temporal-server.js';
import {
  makeStateFolder,
  registeredProcesses,
  registerProcess,
  stateFolder,
  unregisterProcess,
} from './state-folder.js';

/**
 * The Temporal development server of this user on this machine: loopback only, with its history in an SQLite
 * file in the state folder.
 */
export interface EmbeddedServer {
  address: string;
  pid: number;
  /** URL of Temporal's Web UI. */
  ui: string;
  database: string;
  /** Server version. Part of the database's name, because versions cannot open each other's files. */
  version: string;
}

const START_SECONDS = 60;
const STOP_SECONDS = 15;

/**
 * Joins the embedded server, starting it if necessary. It runs until the last process that joined leaves, so
 * that commands in several terminals share it. `started` is true if this call started it.
 */
export async function joinEmbeddedServer(
  log: SetUpLog,
  ports: { port?: number; uiPort?: number } = {},
): Promise<{ server: EmbeddedServer; started: boolean }> {
  makeStateFolder();
  return withFileLock(lockPath(), async () => {
    const running = await locateEmbeddedServer();
    const server = running ?? (await start(log, ports));
    registerProcess('users');
    return { server, started: running === undefined };
  });
}

/**
 * Leaves the embedded server and stops it if nobody else uses it, or always with `force`. Returns true if it
 * was stopped.
 */
export async function leaveEmbeddedServer(force = false): Promise<boolean> {
  return withFileLock(lockPath(), async () => {
    unregisterProcess('users');
    const server = await locateEmbeddedServer();
    if (server === undefined || (!force && registeredProcesses('users').length > 0)) return false;
    await stop(server);
    return true;
  });
}

/** Returns the running server, or undefined. Ignores the record of a server that died. */
export async function locateEmbeddedServer(): Promise<EmbeddedServer | undefined> {
  const server = readRecord();
  if (server === undefined) return undefined;
  // The process id may have been reused by another program, so the command line is checked too.
  const ours = isProcessAlive(server.pid) && (await commandLine(server.pid)).includes('start-dev');
  return ours && (await answersSoon(server.address)) ? server : undefined;
}

/** Whether the server died without being stopped, which would have removed its record. */
export function hasCrashed(): boolean {
  const server = readRecord();
  return server !== undefined && !isProcessAlive(server.pid);
}

function readRecord(): EmbeddedServer | undefined {
  try {
    return JSON.parse(readFileSync(recordPath(), 'utf8')) as EmbeddedServer;
  } catch {
    return undefined;
  }
}

/** A server that was just started by a process that was then killed takes a second or two. */
async function answersSoon(address: string): Promise<boolean> {
  for (let tries = 0; tries < 20; tries++) {
    if (await answers(address)) return true;
    await sleep(250);
  }
  return false;
}

async function start(log: SetUpLog, ports: { port?: number; uiPort?: number }): Promise<EmbeddedServer> {
  const program = await ensureTemporalServer(log);
  const free = await freePorts(2);
  const { port = (await previousPort()) ?? free[0], uiPort = free[1] } = ports;
  const database = join(stateFolder(), `temporal-${program.server}.db`);
  const output = openSync(logPath(), 'w');
  // A separate process group: Ctrl-C in the terminal must not reach the server before the worker has
  // disconnected.
  const child = spawn(program.path, serverArguments(port, uiPort, database), {
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  child.unref();
  // Recorded before it answers: if this process is killed, the next one must find the server instead of
  // starting a second one on the same database.
  const address = `127.0.0.1:${port}`;
  const ui = `http://127.0.0.1:${uiPort}`;
  const server: EmbeddedServer = { address, pid: child.pid ?? 0, ui, database, version: program.server };
  writeFileSync(`${recordPath()}.new`, `${JSON.stringify(server)}\n`);
  renameSync(`${recordPath()}.new`, recordPath());
  const failed = new Promise<string>((done) => {
    child.on('error', (error) => done(error.message));
    child.on('exit', (code) => done(`exit code ${code}`));
  });
  const failure = await Promise.race([failed, ready(address)]);
  if (failure !== undefined || child.pid === undefined) {
    child.kill();
    rmSync(recordPath(), { force: true });
    throw new SamMilError('Unavailable', `the embedded Temporal server did not start (${failure})`, {
      file: logPath(),
      found: lastLogLine(),
      next: 'run `npx sam-mil doctor`',
    });
  }
  return server;
}

/** The port of a server that has crashed, if it is free: its workers and clients reconnect there. */
async function previousPort(): Promise<number | undefined> {
  if (!hasCrashed()) return undefined;
  const port = Number(readRecord()?.address.split(':').at(-1));
  return port > 0 && !(await answers(`127.0.0.1:${port}`)) ? port : undefined;
}

function serverArguments(port: number, uiPort: number, database: string): string[] {
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', `${port}`, '--ui-port', `${uiPort}`],
    ...['--db-filename', database, '--log-level', 'error'],
    // 1.6 times the throughput of the default; the database stays consistent after a power failure.
    ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'],
    // With the usual four partitions, a step may wait in one while the worker's only poll waits at another
    // for a minute: the server no longer forwards what is older than 5 s. In a single partition steps start
    // in the order in which they became ready. All four are still read, because an earlier run may have steps
    // there.
    ...['--dynamic-config-value', 'matching.numTaskqueueWritePartitions=1'],
  ];
}

/**
 * Resolves with undefined once the namespace answers, slightly after the port opens, or with the reason if it
 * never does.
 */
async function ready(address: string): Promise<string | undefined> {
  const deadline = Date.now() + START_SECONDS * 1000;
  while (Date.now() < deadline) {
    await sleep(100);
    if (!(await answers(address))) continue;
    const connection = Connection.lazy({ address });
    try {
      await connection.withDeadline(Date.now() + 2000, () =>
        connection.workflowService.describeNamespace({ namespace: 'default' }),
      );
      return undefined;
    } catch {
      // Not yet.
    } finally {
      await connection.close();
    }
  }
  return `no answer within ${START_SECONDS} s`;
}

async function stop(server: EmbeddedServer): Promise<void> {
  process.kill(server.pid, 'SIGTERM');
  for (let waited = 0; isProcessAlive(server.pid) && waited < STOP_SECONDS * 10; waited++) await sleep(100);
  if (isProcessAlive(server.pid)) process.kill(server.pid, 'SIGKILL');
  rmSync(recordPath(), { force: true });
}

/** Whether something accepts connections at `host:port`. */
export function answers(address: string): Promise<boolean> {
  const at = address.lastIndexOf(':');
  return new Promise((done) => {
    const socket = connectSocket({
      host: address.slice(0, at),
      port: Number(address.slice(at + 1)),
      timeout: 2000,
    });
    const end = (result: boolean) => {
      socket.destroy();
      done(result);
    };
    socket.on('connect', () => end(true));
    socket.on('error', () => end(false));
    socket.on('timeout', () => end(false));
  });
}

/** Returns unused ports. All are held until all are known, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((done, fail) => server.on('error', fail).listen(0, '127.0.0.1', done));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return (await runCommand('ps', ['-p', `${pid}`, '-o', 'args='])).stdout;
}

function lastLogLine(): string {
  return readFileSync(logPath(), 'utf8').trim().split('\n').at(-1) ?? '';
}

function recordPath(): string {
  return join(stateFolder(), 'server.json');
}

export function logPath(): string {
  return join(stateFolder(), 'server.log');
}

function lockPath(): string {
  return join(stateFolder(), 'server.lock');
}
