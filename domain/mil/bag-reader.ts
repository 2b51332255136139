import { Worker } from 'node:worker_threads';
import type { BagEntry, HostBag } from './bags.js';

/** What the reading thread is asked. */
export interface ReadTask {
  id: number;
  entry: BagEntry;
  groupFeatures: boolean;
}

/** Its answer: no bag where reading failed; the caller then reads for itself and learns why. */
export interface ReadAnswer {
  id: number;
  bag?: HostBag;
}

/** Reads bags on a thread of its own while the caller computes. */
export class BagReader {
  private worker: Worker | undefined;
  private readonly waiting = new Map<number, (bag: HostBag | undefined) => void>();
  private count = 0;

  /** The bag, or undefined where it can't be read. Bags come in the order in which they were asked for. */
  read(entry: BagEntry, groupFeatures: boolean): Promise<HostBag | undefined> {
    this.worker ??= this.start();
    const id = this.count++;
    this.worker.postMessage({ id, entry, groupFeatures } satisfies ReadTask);
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }

  /** Lets the thread end after what it is reading. */
  close(): void {
    this.worker?.postMessage('close');
    this.worker = undefined;
    this.giveUp();
  }

  private start(): Worker {
    const worker = new Worker(new URL('./bag-thread.js', import.meta.url));
    // Nobody waits for a bag that training no longer wants.
    worker.unref();
    worker.on('message', ({ id, bag }: ReadAnswer) => {
      this.waiting.get(id)?.(bag);
      this.waiting.delete(id);
    });
    worker.on('error', () => this.giveUp());
    worker.on('exit', () => this.worker === worker && this.close());
    return worker;
  }

  private giveUp(): void {
    this.waiting.forEach((resolve) => resolve(undefined));
    this.waiting.clear();
  }
}
