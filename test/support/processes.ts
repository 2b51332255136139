import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { scratchFolder } from './scratch-folder.js';

const PROGRAM = fileURLToPath(new URL('../../client/main.js', import.meta.url));

let state: string | undefined;

/** Lists the workers of a test file separately from the user's own. */
function stateFolder(): string {
  return (state ??= scratchFolder());
}

/** A worker in a separate process that can be killed and restarted. */
export class WorkerProcess {
  private readonly args: string[];
  private readonly environment: NodeJS.ProcessEnv;
  private child: ChildProcess | undefined;
  private output = '';

  /** `args` as of `sam-mil worker`; `environment` in addition to this process's. */
  constructor(args: string[], environment: NodeJS.ProcessEnv = {}) {
    this.args = args;
    this.environment = environment;
  }

  /** Resolves when it polls. */
  async up(): Promise<void> {
    const child = spawn(process.execPath, [PROGRAM, 'worker', '--no-set-up', ...this.args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, SAM_MIL_STATE: stateFolder(), ...this.environment },
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    for (let tries = 0; tries < 600; tries++) {
      if (this.output.includes('worker serves')) return;
      if (child.exitCode !== null) break;
      await sleep(50);
    }
    throw new Error(`the worker did not start:\n${this.output}`);
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** SIGTERM lets the worker shut down; SIGKILL does not. Resolves when the process is gone. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number | null> {
    const { child } = this;
    this.output = '';
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill(signal);
    return gone;
  }
}

/**
 * Returns digests of everything a run published: all files of a work folder outside hidden folders, by
 * relative path.
 */
export function outputDigests(work: string): Record<string, string> {
  const digests: Record<string, string> = {};
  for (const name of readdirSync(work, { recursive: true, encoding: 'utf8' }).sort()) {
    if (name.startsWith('.')) continue;
    let content: Buffer;
    try {
      content = readFileSync(join(work, name));
    } catch {
      continue;
    }
    digests[name] = createHash('sha256').update(content).digest('hex');
  }
  return digests;
}

/** Waits until `check` returns true. */
export async function eventually(what: string, check: () => boolean, ms = 30_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`did not happen within ${ms / 1000} s: ${what}`);
    await sleep(20);
  }
}
