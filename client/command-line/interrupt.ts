import { EXIT, Interrupted } from './errors.js';

type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Listens for the first Ctrl-C (or SIGTERM, SIGHUP), on which a command winds down; the second one ends the
 * process at once.
 */
export class Interrupt {
  /** Aborted at the first signal; its reason is an {@link Interrupted}. */
  readonly signal: AbortSignal;
  /** Resolves at the first signal. */
  readonly received: Promise<void>;
  private readonly remove: () => void;

  constructor(onFirst: () => void = () => undefined) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.received = new Promise((done) => this.signal.addEventListener('abort', () => done()));
    const listener = () => {
      if (controller.signal.aborted) process.exit(EXIT.interrupted);
      onFirst();
      controller.abort(new Interrupted());
    };
    SIGNALS.forEach((name) => process.on(name, listener));
    this.remove = () => SIGNALS.forEach((name) => process.off(name, listener));
  }

  dispose(): void {
    this.remove();
  }
}
