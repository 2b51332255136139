import { activityReference } from './activity-reference.js';
import { errorReference } from './error-reference.js';
import type { Catalog } from '../../../activity-schema.js';
import { pipelineSchema } from './pipeline-schema.js';

/**
 * Files of the repository that are generated from the activities' definitions and the error codes, by path.
 * `sam-mil schema --write` writes them; a test compares them.
 */
export function generatedFiles(catalog: Catalog): Record<string, string> {
  return {
    'schema/pipeline.schema.json': `${JSON.stringify(pipelineSchema(catalog), null, 2)}\n`,
    'docs/reference/errors.generated.md': errorReference(),
    'docs/reference/activities.generated.md': activityReference(catalog),
  };
}
