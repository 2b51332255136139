import { serveTasks } from '../../machine/threads/serve-tasks.js';
import { writeOutput, type OutputContent } from './write-output.js';

/** Task of the writing thread of `OutputFiles`. */
export interface OutputTask {
  path: string;
  content: OutputContent;
}

serveTasks(async ({ path, content }: OutputTask) => {
  await writeOutput(path, content);
  return true;
});
