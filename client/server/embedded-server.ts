import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { objectOf, shapeFault } from '../../domain/files/json-record.js';
import type { SetUpLog } from '../../domain/machine/cache-folder.js';
import { isProcessAlive, withFileLock } from '../../domain/machine/file-lock.js';
import { runCommand } from '../../domain/machine/run-command.js';
import { embeddedConnection } from './embedded-credential.js';
import { startFailure } from './start-failure.js';
import { PROGRAM_NAME } from './temporal-build.js';
import { ensureTemporalServer } from './temporal-server.js';
import {
  closeToOthers,
  makeStateFolder,
  PRIVATE_FILE,
  registeredProcesses,
  registerProcess,
  stateFolder,
  unregisterProcess,
} from './state-folder.js';
import { lastLineOf } from '../../domain/last-line.js';

/**
 * The Temporal server of this user on this machine: loopback only, with its history in an SQLite file in the
 * state folder. Written there by the server's program itself.
 */
export interface EmbeddedServer {
  address: string;
  pid: number;
  /** URL of Temporal's Web UI, with the token that admits a browser. */
  ui: string;
  database: string;
  /** Server version. Part of the database's name, because versions cannot open each other's files. */
  version: string;
}

export interface Ports {
  port?: number;
  uiPort?: number;
}

const START_SECONDS = 60;
const STOP_SECONDS = 15;

/** Starts after another program took a port that was free a moment before. */
const TRIES = 5;

/**
 * Joins the embedded server, starting it if necessary. It runs until the last process that joined leaves, so
 * that commands in several terminals share it. `started` is true if this call started it.
 */
export async function joinEmbeddedServer(
  log: SetUpLog,
  ports: Ports = {},
): Promise<{ server: EmbeddedServer; started: boolean }> {
  makeStateFolder();
  return withStateLock(async () => {
    closeToOthers();
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
  return withStateLock(async () => {
    unregisterProcess('users');
    const server = await locateEmbeddedServer();
    if (server === undefined || (!force && registeredProcesses('users').length > 0)) return false;
    await stop(server);
    return true;
  });
}

function withStateLock<T>(work: () => Promise<T>): Promise<T> {
  const path = join(stateFolder(), 'server.lock');
  return withFileLock(path, () => {
    chmodSync(path, PRIVATE_FILE);
    return work();
  });
}

/** Returns the running server, or undefined. Ignores the record of a server that died. */
export async function locateEmbeddedServer(): Promise<EmbeddedServer | undefined> {
  const server = readRecord();
  if (server === undefined) return undefined;
  // The process id may have been reused by another program, so the command line is checked too.
  const ours = isProcessAlive(server.pid) && (await commandLine(server.pid)).includes(PROGRAM_NAME);
  return ours && (await answersSoon(server.address)) ? server : undefined;
}

/** Whether the server died without being stopped, which would have removed its record. */
export function hasCrashed(): boolean {
  const server = readRecord();
  return server !== undefined && !isProcessAlive(server.pid);
}

const TEXT = { type: 'string' };
const recordFault = shapeFault(
  objectOf(
    { address: TEXT, pid: { type: 'integer', minimum: 1 }, database: TEXT, version: TEXT },
    { ui: TEXT },
  ),
);

/** A damaged record counts as none. The server's lock keeps a second one off the same database. */
function readRecord(path = recordPath()): EmbeddedServer | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return recordFault(record) === undefined ? (record as EmbeddedServer) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether the server of a record is known not to run: it was stopped, which removes the record, or its
 * process has ended. A record that this user may not read says nothing.
 */
export function isKnownToBeGone(path: string): boolean {
  const server = readRecord(path);
  if (server !== undefined) return !isProcessAlive(server.pid);
  try {
    readFileSync(path);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
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

async function start(log: SetUpLog, ports: Ports): Promise<EmbeddedServer> {
  const program = await ensureTemporalServer(log);
  const previous = await previousPort();
  let failure = '';
  for (let tries = 0; tries < TRIES; tries++) {
    const outcome = await startOnce(program.path, tries === 0 ? { port: previous, ...ports } : ports);
    if (typeof outcome !== 'string') return outcome;
    failure = outcome;
    const unlucky = ports.port === undefined && ports.uiPort === undefined;
    if (!unlucky || !/address already in use/.test(lastLogLine())) break;
  }
  throw startFailure({ how: failure, line: lastLogLine(), log: logPath(), folder: stateFolder() });
}

/** The port of a server that has crashed, if it is free: its workers and clients reconnect there. */
async function previousPort(): Promise<number | undefined> {
  if (!hasCrashed()) return undefined;
  const port = Number(readRecord()?.address.split(':').at(-1));
  return port > 0 && !(await answers(`127.0.0.1:${port}`)) ? port : undefined;
}

/** Returns why it failed, or the server once it answers. */
async function startOnce(program: string, { port = 0, uiPort = 0 }: Ports): Promise<EmbeddedServer | string> {
  const output = openSync(logPath(), 'w', PRIVATE_FILE);
  // A separate process group: Ctrl-C in the terminal must not reach the server before the worker has
  // disconnected.
  const args = ['-folder', stateFolder(), '-port', `${port}`, '-ui-port', `${uiPort}`];
  const child = spawn(program, args, { detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  child.unref();
  const failed = new Promise<string>((done) => {
    child.on('error', (error) => done(error.message));
    child.on('exit', (code) => done(`exit code ${code}`));
  });
  const waiting = new AbortController();
  const outcome = await Promise.race([failed, ready(child, waiting.signal)]);
  // Otherwise the wait would keep a command alive that has failed.
  waiting.abort();
  if (typeof outcome !== 'string') return outcome;
  child.kill();
  if (readRecord()?.pid === child.pid) rmSync(recordPath(), { force: true });
  return outcome;
}

/**
 * Resolves with the server once its namespace answers, slightly after the port opens, or with the reason if
 * it never does.
 */
async function ready(child: ChildProcess, signal: AbortSignal): Promise<EmbeddedServer | string> {
  const deadline = Date.now() + START_SECONDS * 1000;
  let reason = 'no record of its address';
  while (Date.now() < deadline && !signal.aborted) {
    await sleep(50);
    const server = readRecord();
    if (server === undefined || server.pid !== child.pid || !(await answers(server.address))) continue;
    const connection = Connection.lazy(embeddedConnection(server.address));
    try {
      await connection.withDeadline(Date.now() + 2000, () =>
        connection.workflowService.describeNamespace({ namespace: 'default' }),
      );
      return server;
    } catch (error) {
      reason = (error as Error).message;
    } finally {
      await connection.close();
    }
  }
  return `no answer within ${START_SECONDS} s: ${reason}`;
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
    // Something that listens was there to reset the connection.
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNRESET'));
    socket.on('timeout', () => end(false));
  });
}

async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return (await runCommand('ps', ['-p', `${pid}`, '-o', 'args='])).stdout;
}

function lastLogLine(): string {
  return lastLineOf(readFileSync(logPath(), 'utf8')) ?? '';
}

/** Whether an address is that of the running embedded server, according to its record. */
export function isEmbedded(address: string): boolean {
  const server = readRecord();
  return server?.address === address && isProcessAlive(server.pid);
}

export function recordPath(): string {
  return join(stateFolder(), 'server.json');
}

export function logPath(): string {
  return join(stateFolder(), 'server.log');
}

/** Configuration with which Temporal's own command line reaches the server (TEMPORAL_CONFIG_FILE). */
export function profilePath(): string {
  return join(stateFolder(), 'temporal.toml');
}
