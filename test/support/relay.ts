import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { RandomStream } from '../../domain/random.js';

/** How a relay treats what passes through it. */
export interface Line {
  /** Added to each chunk, plus a random part of `jitterMs`. Order is kept. */
  delayMs: number;
  jitterMs: number;
  /** Chance that a chunk, and all after it, wait for `stallMs` more. */
  stallChance: number;
  stallMs: number;
  /** Each connection is reset after about this time; 0 for never. */
  resetMs: number;
}

const GOOD_LINE: Line = { delayMs: 0, jitterMs: 0, stallChance: 0, stallMs: 0, resetMs: 0 };

/** A connection to the relay, and the relay's own to the target. */
interface Pair {
  near: Socket;
  far: Socket;
}

/** Passes TCP connections on to another address, over a line that may be bad. */
export class Relay {
  readonly server: Server;
  resets = 0;
  stalls = 0;
  /** Number of connections that are still reset as soon as they are accepted. */
  refusals = 0;
  private isCut = false;
  private isStalled = false;
  private readonly target: { host: string; port: number };
  private readonly line: Line;
  private readonly random: RandomStream;
  private readonly pairs = new Set<Pair>();

  private constructor(target: { host: string; port: number }, line: Line, random: RandomStream) {
    this.target = target;
    this.line = line;
    this.random = random;
    this.server = createServer((socket) => this.accept(socket));
  }

  /** @param at where it listens; port 0 takes a free one */
  static async open(
    target: { host: string; port: number },
    { line = GOOD_LINE, random = new RandomStream('relay'), at = { host: '127.0.0.1', port: 0 } } = {},
  ): Promise<Relay> {
    const relay = new Relay(target, line, random);
    await new Promise<void>((done, fail) =>
      relay.server.once('error', fail).listen(at.port, at.host, () => done()),
    );
    return relay;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** While it is stalled, nothing is read; what arrives meanwhile passes later. */
  stall(stalled: boolean): void {
    this.isStalled = stalled;
    for (const { near, far } of this.pairs) {
      for (const socket of [near, far]) {
        if (stalled) socket.pause();
        else socket.resume();
      }
    }
  }

  /** Ends all connections with a reset. */
  reset(): void {
    for (const pair of this.pairs) this.resetPair(pair);
  }

  /**
   * From now on nothing passes. The target notices at once; those who called see a connection that stays open
   * and silent.
   */
  cutOff(): void {
    this.isCut = true;
    for (const { near, far } of this.pairs) {
      near.pause();
      far.destroy();
    }
  }

  close(): void {
    this.server.close();
    for (const { near, far } of this.pairs) [near, far].forEach((socket) => socket.destroy());
  }

  private accept(near: Socket): void {
    if (this.refusals > 0) {
      this.refusals--;
      near.on('error', () => undefined).resetAndDestroy();
      return;
    }
    const far = connect(this.target);
    const pair = { near, far };
    this.pairs.add(pair);
    const { resetMs } = this.line;
    const timer =
      resetMs > 0
        ? setTimeout(() => this.resetPair(pair), resetMs * (0.5 + this.random.uniform()))
        : undefined;
    const end = () => {
      if (this.isCut && !near.destroyed) return;
      clearTimeout(timer);
      this.pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on('error', end).on('close', end).setNoDelay(true);
    if (this.isCut) {
      near.pause();
      far.destroy();
      return;
    }
    this.pass(near, far);
    this.pass(far, near);
    if (this.isStalled) [near, far].forEach((socket) => socket.pause());
  }

  private pass(from: Socket, to: Socket): void {
    let free = 0;
    const send = (chunk: Buffer | undefined) => {
      free = Math.max(free, Date.now() + this.pause());
      setTimeout(() => {
        if (to.destroyed) return;
        if (chunk === undefined) to.end();
        else to.write(chunk);
      }, free - Date.now());
    };
    from.on('data', (chunk: Buffer) => send(chunk)).on('end', () => send(undefined));
  }

  private pause(): number {
    const { delayMs, jitterMs, stallChance, stallMs } = this.line;
    const stalls = stallChance > 0 && this.random.uniform() < stallChance;
    if (stalls) this.stalls++;
    return delayMs + jitterMs * this.random.uniform() + (stalls ? stallMs : 0);
  }

  private resetPair({ near, far }: Pair): void {
    this.resets++;
    near.resetAndDestroy();
    far.resetAndDestroy();
  }
}
