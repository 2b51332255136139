import { TaskThread } from '../../machine/threads/task-thread.js';
import type { OutputTask } from './output-thread.js';
import type { OutputContent } from './write-output.js';

/**
 * Writes the files of a slide on a separate thread. Loading the HDF5 and JPEG libraries and writing with them
 * takes a third of the time of a first slide; the thread does this while the slide is read and its pictures
 * are drawn. It remains for the next slide and does not keep the process alive.
 */
export class OutputFiles {
  private readonly thread = new TaskThread<OutputTask, true>(new URL('./output-thread.js', import.meta.url));

  /** Starts loading the libraries, so that they are ready for the first write. */
  start(): void {
    this.thread.start();
  }

  /** Returns when the file is durable under its name. @throws SamMilError as {@link writeOutput} */
  async write(path: string, content: OutputContent): Promise<void> {
    if (await this.thread.run({ path, content })) return;
    const { writeOutput } = await import('./write-output.js');
    await writeOutput(path, content);
  }
}
