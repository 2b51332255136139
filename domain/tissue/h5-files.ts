import { Worker } from 'node:worker_threads';
import type { H5Content } from './write-h5.js';

export interface H5Task {
  id: number;
  path: string;
  content: H5Content;
}

export interface H5Answer {
  id: number;
  written: boolean;
}

/**
 * Writes HDF5 files on a thread of its own. Loading the library and writing with it take a third of what a first slide takes in all; here that
 * happens while the slide is read and its pictures are drawn. The thread stays for the next slide and keeps no process alive.
 */
export class H5Files {
  private worker: Worker | undefined;
  private readonly waiting = new Map<number, (written: boolean) => void>();
  private tasks = 0;

  /** Has the library loaded by the time that something is to be written. */
  start(): void {
    this.worker ??= this.startThread();
  }

  /** Returns once the file is durable under its name. @throws SamMilError as writing it does */
  async write(path: string, content: H5Content): Promise<void> {
    if (await this.writtenByThread(path, content)) return;
    const { writeH5Content } = await import('./write-h5.js');
    writeH5Content(path, content);
  }

  private writtenByThread(path: string, content: H5Content): Promise<boolean> {
    this.start();
    const id = this.tasks++;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.worker?.ref();
      this.worker?.postMessage({ id, path, content } satisfies H5Task);
    });
  }

  private startThread(): Worker {
    const worker = new Worker(new URL('./h5-thread.js', import.meta.url));
    worker.unref();
    worker.on('message', ({ id, written }: H5Answer) => this.finish(id, written));
    // What a thread died of is told by the caller's own attempt. Its exit may come when the next thread is already at work.
    const ended = () => this.worker === worker && this.giveUp();
    worker.on('error', ended);
    worker.on('exit', ended);
    return worker;
  }

  private finish(id: number, written: boolean): void {
    this.waiting.get(id)?.(written);
    this.waiting.delete(id);
    if (this.waiting.size === 0) this.worker?.unref();
  }

  private giveUp(): void {
    this.worker = undefined;
    for (const id of [...this.waiting.keys()]) this.finish(id, false);
  }
}
