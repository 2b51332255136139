import { writeResults } from './results-file.js';
import type { RecordItemsInput } from './stage-messages.js';

/** Writes a batch of finished items to the results files of their stages. */
export async function recordItems(input: RecordItemsInput): Promise<void> {
  for (const [position, stage] of input.stages.entries()) {
    const results = input.results.filter((entry) => entry.position === position).map(({ result }) => result);
    await writeResults(input, stage, `batch-${input.batch}`, results);
  }
}
