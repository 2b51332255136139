import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Answer, Reading } from './child.js';

export interface Outcome {
  outcome: Answer['outcome'] | 'crash' | 'hang';
  message: string;
  /** Largest resident memory while the file was read, in MB; 0 where it cannot be measured. */
  megabytes: number;
}

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));
const HANG_MS = 60_000;
/** A child that grows above this is killed, which counts as a crash. */
const MOST_MB = 2000;
/** A child that has grown above this is replaced, so that the next file is measured on its own. */
const WORN_MB = 1000;

/** Reads files in a process that may crash, hang or grow, and is then replaced. */
export class ReaderChild {
  private child: ChildProcess | undefined;
  private stderr = '';

  async read(reading: Reading): Promise<Outcome> {
    const child = (this.child ??= this.start());
    let megabytes = peak(child.pid);
    const poll = setInterval(() => {
      megabytes = Math.max(megabytes, peak(child.pid));
      if (megabytes <= MOST_MB) return;
      this.stderr += `it took more than ${MOST_MB} MB`;
      child.kill('SIGKILL');
    }, 50);
    let timer: NodeJS.Timeout | undefined;
    const found = await new Promise<Omit<Outcome, 'megabytes'>>((resolve) => {
      child.once('message', (answer: Answer) => resolve(answer));
      child.once('close', (code, signal) =>
        resolve({ outcome: 'crash', message: `${signal ?? `exit code ${code}`} ${this.stderr}` }),
      );
      timer = setTimeout(() => resolve({ outcome: 'hang', message: `no answer in ${HANG_MS} ms` }), HANG_MS);
      child.send(reading);
    });
    clearInterval(poll);
    clearTimeout(timer);
    for (const event of ['message', 'close']) child.removeAllListeners(event);
    megabytes = Math.max(megabytes, peak(child.pid));
    if (['crash', 'hang'].includes(found.outcome) || megabytes > WORN_MB) this.close();
    return { ...found, megabytes };
  }

  close(): void {
    this.child?.kill('SIGKILL');
    this.child = undefined;
  }

  private start(): ChildProcess {
    this.stderr = '';
    const child = fork(CHILD, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-500);
    });
    return child;
  }
}

/** Largest resident memory of a process so far, in MB. Only Linux tells. */
function peak(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1000);
  } catch {
    return 0;
  }
}
