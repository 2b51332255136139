import { EXIT, Interrupted } from './errors.js';
import { outlivesTerminal } from './hangup.js';

type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** A signal that follows so soon is the same one: npm passes on what the terminal has already sent. */
const SAME_MILLISECONDS = 300;

const active = new Set<Interrupt>();

/**
 * Listens for the first Ctrl-C (or SIGTERM, SIGHUP), on which a command winds down; the second one ends the
 * process at once. SIGHUP, and the loss of the output that comes with it, never count as the second one: a
 * terminal that closes sends it several times.
 */
export class Interrupt {
  /** Aborted at the first signal; its reason is an {@link Interrupted}. */
  readonly signal: AbortSignal;
  /** Resolves at the first signal. */
  readonly received: Promise<void>;
  private readonly controller = new AbortController();
  private readonly onFirst: () => void;
  private readonly remove: () => void;
  private at = 0;

  constructor(onFirst: () => void = () => undefined) {
    this.onFirst = onFirst;
    this.signal = this.controller.signal;
    this.received = new Promise((done) => this.signal.addEventListener('abort', () => done()));
    const stop = () => this.stop();
    const hangUp = () => this.trigger();
    const listeners: [StopSignal, () => void][] = [
      ['SIGINT', stop],
      ['SIGTERM', stop],
      ['SIGHUP', outlivesTerminal() ? () => undefined : hangUp],
    ];
    for (const [name, listener] of listeners) process.on(name, listener);
    active.add(this);
    this.remove = () => {
      active.delete(this);
      for (const [name, listener] of listeners) process.off(name, listener);
    };
  }

  /** Winds the command down, once. */
  trigger(): void {
    if (this.signal.aborted) return;
    this.at = performance.now();
    this.onFirst();
    this.controller.abort(new Interrupted());
  }

  dispose(): void {
    this.remove();
  }

  private stop(): void {
    if (this.signal.aborted && performance.now() - this.at > SAME_MILLISECONDS)
      process.exit(EXIT.interrupted);
    this.trigger();
  }
}

/**
 * Winds down the command that is listening for signals, as Ctrl-C does. Returns false if none is, or if it
 * has been interrupted before.
 */
export function interruptCommand(): boolean {
  const listening = [...active].filter(({ signal }) => !signal.aborted);
  for (const interrupt of listening) interrupt.trigger();
  return listening.length > 0;
}
