import { serveTasks } from '../../machine/threads/serve-tasks.js';
import { writeOutput, type OutputContent } from './write-output.js';

/** What the writing thread of `OutputFiles` is asked. */
export interface OutputTask {
  path: string;
  content: OutputContent;
}

serveTasks(async ({ path, content }: OutputTask) => {
  await writeOutput(path, content);
  return true;
});
