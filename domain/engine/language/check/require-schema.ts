import type { ValueSchema } from '../../../activity-schema.js';
import { SamMilError } from '../../../errors.js';
import type { Json } from '../../../json.js';
import { schemaFaults } from './schema-faults.js';

export interface SchemaRefusal {
  file: string;
  /** What is wrong if the value does not match: `not a splits file of version 1`. */
  what: string;
  expected?: string;
  next?: string;
}

/**
 * Checks what a file holds. After it, the value has the shape that the schema describes.
 * @throws SamMilError InvalidInput naming the first fault and its place
 */
export function requireSchema(schema: ValueSchema, value: Json, refusal: SchemaRefusal): void {
  const [fault] = schemaFaults(schema, value);
  if (fault === undefined) return;
  const { what, ...facts } = refusal;
  const place = fault.path.length === 0 ? 'the file' : `\`${fault.path.join('.').slice(0, 200)}\``;
  throw new SamMilError('InvalidInput', what, { ...facts, found: `${place} ${fault.what}` });
}
