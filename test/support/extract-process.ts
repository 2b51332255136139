import { definition } from '../../activities/pathology/extract.js';
import { run } from '../../domain/pathology/extract/extract.js';
import type { ExtractWith } from '../../domain/pathology/extract/parameters.js';
import type { InputFile } from '../../domain/job.js';
import type { Json } from '../../domain/json.js';
import { jobFor } from './activity-job.js';

/**
 * A process that extracts one slide, to be killed: arguments are the job's folder and its parameters as JSON.
 * Sends `{ done }` after each batch. The test kills it, so that nothing here can clean up.
 */
const [folder, parameters] = process.argv.slice(2);
const job = jobFor<ExtractWith>(
  definition,
  JSON.parse(parameters) as Record<string, Json | InputFile>,
  folder,
);
const result = await run({ ...job, progress: ({ done }) => process.send?.({ done }) });
process.send?.({ result });
process.disconnect();
