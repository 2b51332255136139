import { TaskThread } from '../../machine/threads/task-thread.js';
import type { OutputTask } from './output-thread.js';
import type { OutputContent } from './write-output.js';

/**
 * Writes a slide's files on a thread of its own. Loading the libraries for HDF5 and JPEG and writing with them take a third of what a first slide
 * takes in all; here that happens while the slide is read and its pictures are drawn. The thread stays for the next slide and keeps no process alive.
 */
export class OutputFiles {
  private readonly thread = new TaskThread<OutputTask, true>(new URL('./output-thread.js', import.meta.url));

  /** Has the libraries loaded by the time that something is to be written. */
  start(): void {
    this.thread.start();
  }

  /** Returns once the file is durable under its name. @throws SamMilError as writing it does */
  async write(path: string, content: OutputContent): Promise<void> {
    if (await this.thread.run({ path, content })) return;
    const { writeOutput } = await import('./write-output.js');
    await writeOutput(path, content);
  }
}
