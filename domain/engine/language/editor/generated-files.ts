import { activityReference } from './activity-reference.js';
import type { Catalog } from '../../../activity-schema.js';
import { pipelineSchema } from './pipeline-schema.js';

/** Files of the repository that are made from the activities' definitions, by path: `sam-mil schema` writes them, a test compares them. */
export function generatedFiles(catalog: Catalog): Record<string, string> {
  return {
    'schema/pipeline.schema.json': `${JSON.stringify(pipelineSchema(catalog), null, 2)}\n`,
    'docs/reference/activities.generated.md': activityReference(catalog),
  };
}
