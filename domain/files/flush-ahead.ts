import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs';

/** The least that is written before the disk is told to begin. */
const LEAST_BYTES = 4 << 20;
/** Of what was written so far, the part that has to come before it is told again: so a file of gigabytes makes dozens of requests, not hundreds. */
const SHARE = 1 / 8;

/**
 * Flushing a file that is still being written, on a thread, so that the disk works meanwhile and {@link finish} has little left to wait for: a bag of
 * 80 MB takes a quarter less time.
 *
 * Linux tells a failed write-back once to each descriptor that was open then. So the one that `finish` asks was opened before anything was written, and what
 * the requests ahead were told does not matter. Elsewhere a request might use up the only report: there `finish` does all the work.
 */
export class FlushAhead {
  private readonly path: string;
  private readonly witness: number;
  private asking: number | undefined;
  private outstanding = 0;
  private ended = false;
  private written = 0;
  private unasked = 0;

  /** @param witness a descriptor of the file, opened before anything was written to it; closed here */
  constructor(path: string, witness: number) {
    this.path = path;
    this.witness = witness;
  }

  /** So many bytes more were handed to the operating system. Never throws: it only saves time. */
  wrote(bytes: number): void {
    this.written += bytes;
    this.unasked += bytes;
    if (process.platform !== 'linux' || this.unasked < Math.max(LEAST_BYTES, this.written * SHARE)) return;
    this.unasked = 0;
    try {
      this.asking ??= openSync(this.path, 'r');
    } catch {
      return; // no descriptor to spare
    }
    this.outstanding++;
    fdatasync(this.asking, () => {
      this.outstanding--;
      this.closeAsking();
    });
  }

  /** Waits until everything is on the disk. Throws what the system says of any write that failed since the start. */
  finish(): void {
    try {
      fsyncSync(this.witness);
    } finally {
      this.abandon();
    }
  }

  /** Nothing more will be asked. Harmless when repeated. */
  abandon(): void {
    if (this.ended) return;
    this.ended = true;
    closeSync(this.witness);
    this.closeAsking();
  }

  /** Not while a thread may still use it: its number could be another file's by then. */
  private closeAsking(): void {
    if (!this.ended || this.outstanding > 0 || this.asking === undefined) return;
    closeSync(this.asking);
    this.asking = undefined;
  }
}
