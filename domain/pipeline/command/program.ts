import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { SamMilError } from '../../errors.js';
import { LineSplitter } from './lines.js';

export interface Program {
  /** Name or absolute path, and arguments. */
  argv: readonly [string, ...string[]];
  /** Absolute path of the working folder. */
  cwd: string;
  env: Record<string, string>;
  /** Absolute path of the file that receives the standard output. Default: it is passed on in lines. */
  stdout?: string;
}

export interface ProgramListener {
  onLine(stream: 'stdout' | 'stderr', line: string): void;
  /** Called for each piece of output. `line` is the line that is being written. */
  onOutput(line: string): void;
}

export interface ProgramEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * Processes that the program leaves behind may hold its output open. What they still write after this many
 * milliseconds is not read.
 */
const LEFTOVERS_MS = 2000;

/**
 * Runs a program without a shell, with an empty standard input, in the caller's process group, and waits for
 * its end. When `signal` aborts, the program and what it has started get SIGTERM; the caller's owner kills
 * the process group if that takes too long.
 * @throws SamMilError InvalidInput if it cannot be started; the error of a write to `stdout`
 */
export async function runProgram(
  program: Program,
  listener: ProgramListener,
  signal: AbortSignal,
): Promise<ProgramEnd> {
  const { argv, cwd, env, stdout } = program;
  const child = start(argv, cwd, env);
  const ended = new Promise<ProgramEnd>((done, fail) => {
    child.once('exit', (code, by) => done({ code, signal: by }));
    child.once('error', (error) => fail(notStarted(program, error)));
  });
  ended.catch(() => undefined);
  const closed = once(child, 'close').catch(() => undefined);
  const reading = [read(child.stderr, 'stderr', listener)];
  reading.push(
    stdout === undefined ? read(child.stdout, 'stdout', listener) : save(child.stdout, stdout, listener),
  );
  const terminate = () => signalGroup(child);
  signal.addEventListener('abort', terminate, { once: true });
  if (signal.aborted) terminate();
  try {
    const end = await Promise.race([ended, firstFailure(reading)]);
    await (signal.aborted ? closed : Promise.race([closed, sleep(LEFTOVERS_MS, undefined, { ref: false })]));
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
    await Promise.all(reading);
    return end;
  } finally {
    signal.removeEventListener('abort', terminate);
    child.kill('SIGKILL');
  }
}

function start([file, ...args]: Program['argv'], cwd: string, env: Record<string, string>) {
  try {
    return spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw notStarted({ argv: [file], cwd, env }, error as NodeJS.ErrnoException);
  }
}

/** Never resolves; rejects if an output cannot be read or saved. */
function firstFailure(reading: readonly Promise<void>[]): Promise<never> {
  return new Promise((_, fail) => {
    for (const one of reading) one.catch(fail);
  });
}

async function read(stream: Readable, name: 'stdout' | 'stderr', listener: ProgramListener): Promise<void> {
  const splitter = new LineSplitter((line) => listener.onLine(name, line));
  stream.on('data', (chunk: Buffer) => {
    splitter.write(chunk);
    listener.onOutput(splitter.rest);
  });
  await new Promise((done) => stream.once('close', done));
  splitter.end();
}

async function save(stream: Readable, path: string, listener: ProgramListener): Promise<void> {
  stream.on('data', () => listener.onOutput(''));
  await pipeline(stream, createWriteStream(path)).catch((error: NodeJS.ErrnoException) => {
    // The stream is closed early if a process that was left behind still holds it.
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  });
}

/**
 * Sends SIGTERM to the group that this process leads, which ignores the signal itself; to the program alone
 * if it leads none.
 */
function signalGroup(child: ChildProcess): void {
  const ignore = () => undefined;
  process.on('SIGTERM', ignore);
  try {
    process.kill(-process.pid, 'SIGTERM');
  } catch {
    child.kill('SIGTERM');
  }
  child.once('close', () => process.off('SIGTERM', ignore));
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'was not found',
  EACCES: 'may not be executed',
  ENOEXEC: 'is not a program: it has no valid first line (#!)',
  E2BIG: 'was not started: its arguments and environment are too long',
};

function notStarted({ argv: [file], env }: Program, cause: NodeJS.ErrnoException): SamMilError {
  const code = cause.code ?? 'unknown reason';
  const invalid = code === 'ERR_INVALID_ARG_VALUE';
  const reason = invalid ? 'was not started: an argument contains a null character' : REASONS[code];
  const next = {
    ENOENT: file.includes('/')
      ? 'check the path, and the interpreter that the first line of a script names'
      : 'install it on the machine of the worker, or write its absolute path',
    EACCES: 'make it executable (chmod +x), or name its interpreter first: [python3, "{script}"]',
    ENOEXEC: 'name its interpreter first: [python3, "{script}"]',
    E2BIG: 'pass long lists in a file: `items`, `inputs`, or the job file',
  }[code];
  return new SamMilError('InvalidInput', reason ?? `cannot be started (${code})`, {
    file,
    ...(code === 'ENOENT' && !file.includes('/') && { expected: `a program in PATH: ${env.PATH ?? ''}` }),
    next,
    cause,
  });
}
