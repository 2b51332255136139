import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SamMilError } from '../../errors.js';
import type { Json } from '../../json.js';
import { decodeError } from '../threads/wire-error.js';
import type { ReadRequest, ReadResponse } from './messages.js';
import { lastLineOf } from '../../last-line.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

/** Variables that raise the limits. */
const SECONDS = 'SAM_MIL_READ_SECONDS';
const MIB = 'SAM_MIL_READ_MIB';

export interface ReaderLimits {
  /** Time for one call. */
  seconds: number;
  /** JavaScript heap of the process. */
  mib: number;
}

/** After this idle time the process ends, to free its memory. */
const IDLE_MS = 60_000;

/** A function of which arguments and result are JSON, so that it can be called in another process. */
type Call = (...args: never[]) => unknown;

/** The function to call, and the file that it reads, which errors name. */
export interface Reading {
  module: string;
  name: string;
  file: string;
}

/**
 * A process that reads files for this one: a file that takes too long or needs too much memory ends the
 * reader, not the worker, which keeps sending heartbeats. Calls run one at a time, in order. An idle
 * reader does not keep this process alive.
 */
export class ReaderProcess {
  private readonly limits: ReaderLimits;
  private child: ChildProcess | undefined;
  private stderr = '';
  private idle: NodeJS.Timeout | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(limits: Partial<ReaderLimits> = {}) {
    this.limits = { seconds: fromEnvironment(SECONDS, 120), mib: fromEnvironment(MIB, 2048), ...limits };
  }

  /**
   * Calls an exported function in the reader.
   * @throws what the function throws; SamMilError Unavailable after the time limit, InvalidInput if the
   *   reader ran out of memory or crashed
   */
  call<F extends Call>(reading: Reading, ...args: Parameters<F>): Promise<Awaited<ReturnType<F>>> {
    const answer = this.last.then(() => this.run(reading, args as readonly unknown[] as readonly Json[]));
    this.last = answer.catch(() => undefined);
    return answer as Promise<Awaited<ReturnType<F>>>;
  }

  close(): void {
    clearTimeout(this.idle);
    this.child?.kill('SIGKILL');
    this.child = undefined;
  }

  private async run({ file, ...call }: Reading, args: readonly Json[]): Promise<unknown> {
    const child = this.started();
    let timer: NodeJS.Timeout | undefined;
    try {
      const response = await new Promise<ReadResponse>((resolve, reject) => {
        child.once('message', resolve);
        // `close` comes after the last line of stderr, `exit` may come before it.
        child.once('close', (code, signal) => reject(this.crashed(file, signal ?? `exit code ${code}`)));
        child.once('error', reject);
        timer = setTimeout(() => reject(this.late(file)), this.limits.seconds * 1000);
        child.send({ ...call, args } satisfies ReadRequest, (error) => {
          if (error) reject(error);
        });
      });
      this.rest(child);
      if ('error' in response) throw decodeError(response.error);
      return response.value;
    } catch (error) {
      if (this.child !== undefined && this.idle === undefined) this.close();
      throw error;
    } finally {
      clearTimeout(timer);
      for (const event of ['message', 'close', 'error']) child.removeAllListeners(event);
    }
  }

  private started(): ChildProcess {
    clearTimeout(this.idle);
    this.idle = undefined;
    if (this.child?.connected !== true) this.child = this.start();
    this.child.ref();
    this.child.channel?.ref();
    return this.child;
  }

  private start(): ChildProcess {
    const child = fork(MAIN, [], {
      // Detached from the terminal: at Ctrl-C this process decides when it stops.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: ['--enable-source-maps', `--max-old-space-size=${this.limits.mib}`],
    });
    this.stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-4000);
    });
    return child;
  }

  private rest(child: ChildProcess): void {
    child.unref();
    child.channel?.unref();
    (child.stderr as unknown as { unref?: () => void } | null)?.unref?.();
    this.idle = setTimeout(() => this.close(), IDLE_MS);
    this.idle.unref();
  }

  private late(file: string): SamMilError {
    return new SamMilError('Unavailable', 'could not be read in time', {
      file,
      expected: `at most ${this.limits.seconds} seconds`,
      next: `check that its file system responds; for a very large source, set the environment variable ${SECONDS} for the command and its workers`,
    });
  }

  private crashed(file: string, found: string): SamMilError {
    if (!/heap out of memory|heap limit/i.test(this.stderr)) {
      return new SamMilError('InvalidInput', 'the process that read it ended', {
        file,
        found: `${found}; ${lastLineOf(this.stderr) ?? ''}`,
        next: 'check that this is the right file',
      });
    }
    return new SamMilError('InvalidInput', 'needs too much memory to be read', {
      file,
      expected: `at most ${this.limits.mib} MiB`,
      next: `check that this is the right file, or set the environment variable ${MIB} for the command and its workers`,
    });
  }
}

/** Reads what the cache keys of steps depend on. One for all, so that it is warm. */
export const keyReader = new ReaderProcess();

function fromEnvironment(variable: string, otherwise: number): number {
  const value = Number(process.env[variable] ?? otherwise);
  return Number.isInteger(value) && value > 0 ? value : otherwise;
}
