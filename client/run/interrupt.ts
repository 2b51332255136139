import { EXIT, Exit } from '../command-line/errors.js';

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Listens for the first Ctrl-C (or SIGTERM, SIGHUP), on which a command winds down; the second one ends the process at once. */
export class Interrupt {
  readonly signal: Promise<StopSignal>;
  /** Aborted at the first signal. */
  readonly aborted: AbortSignal;
  private readonly remove: () => void;

  constructor(onFirst: (signal: StopSignal) => void = () => undefined) {
    const controller = new AbortController();
    this.aborted = controller.signal;
    let tell: (signal: StopSignal) => void;
    this.signal = new Promise((done) => (tell = done));
    const listener = (signal: StopSignal) => {
      if (controller.signal.aborted) process.exit(EXIT.interrupted);
      controller.abort();
      onFirst(signal);
      tell(signal);
    };
    SIGNALS.forEach((name) => process.on(name, listener));
    this.remove = () => SIGNALS.forEach((name) => process.off(name, listener));
  }

  /** The promise's value, unless a signal comes first: then the command ends. For work that may be given up at any point. */
  async orExit<T>(promise: Promise<T>): Promise<T> {
    const stopped = this.signal.then(() => {
      throw new Exit(EXIT.interrupted);
    });
    return Promise.race([promise, stopped]);
  }

  dispose(): void {
    this.remove();
  }
}
