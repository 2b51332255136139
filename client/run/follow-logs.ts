import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { itemLogPath, runFolder } from '../../domain/engine/store/paths.js';
import type { RunEntry } from './run-index.js';

const LOOK_MILLISECONDS = 500;
/** Asking whether the run is open may need its server, so it happens less often. */
const LOOKS_PER_QUESTION = 6;

/** A log to follow, and what stands above its lines when there are several. */
export interface FollowedLog {
  name: string;
  path: string;
}

/**
 * Shows what is in logs and what is appended to them, until the run is no longer open or the signal is
 * aborted. Lines of several logs are never mixed within a line.
 * @param logs lists the logs; called again and again, because steps that start create new ones
 */
export async function followLogs(
  logs: () => FollowedLog[],
  isOpen: () => Promise<boolean>,
  show: (log: FollowedLog, lines: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const tails = new Map<string, Tail>();
  const look = (last = false) => {
    for (const log of logs()) {
      const tail = tails.get(log.path) ?? new Tail(log.path);
      tails.set(log.path, tail);
      const lines = tail.read(last);
      if (lines !== '') show(log, lines);
    }
  };
  for (let looks = 0; !signal.aborted; looks++) {
    look();
    if (looks % LOOKS_PER_QUESTION === 0 && !(await isOpen())) break;
    await sleep(LOOK_MILLISECONDS, undefined, { signal }).catch(() => undefined);
  }
  look(true);
}

/** The logs of a run's items, in the order of their names. `stage`: only those of this stage. */
export function itemLogs({ work, run }: RunEntry, stage?: string): FollowedLog[] {
  const folder = join(runFolder(work, run), 'logs');
  const stages = stage === undefined ? listEntries(folder) : [stage];
  return stages.flatMap((name) =>
    listEntries(join(folder, name)).map((file) => {
      const item = file.replace(/\.log$/, '');
      return { name: `${name}@${item}`, path: itemLogPath(work, run, name, item) };
    }),
  );
}

function listEntries(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

/** What has been appended to a file since the last look. */
class Tail {
  private readonly path: string;
  private decoder = new StringDecoder('utf8');
  private at = 0;
  private rest = '';

  constructor(path: string) {
    this.path = path;
  }

  /** Whole lines only; the last look also returns a line that has not ended. */
  read(last: boolean): string {
    const found = statSync(this.path, { throwIfNoEntry: false });
    if (found?.isFile() !== true) return '';
    if (found.size < this.at) {
      // The file was written again, as the log of a worker that restarts.
      this.at = 0;
      this.decoder = new StringDecoder('utf8');
      this.rest = '';
    }
    const text = this.rest + this.decoder.write(this.append(found.size));
    const end = last ? text.length : text.lastIndexOf('\n') + 1;
    this.rest = text.slice(end);
    return text.slice(0, end);
  }

  private append(size: number): Buffer {
    const bytes = Buffer.alloc(size - this.at);
    if (bytes.length === 0) return bytes;
    const descriptor = openSync(this.path, 'r');
    try {
      const read = readSync(descriptor, bytes, 0, bytes.length, this.at);
      this.at += read;
      return bytes.subarray(0, read);
    } finally {
      closeSync(descriptor);
    }
  }
}
