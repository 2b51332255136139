import type { ValueSchema } from '../../activity-schema.js';

const TEXT: ValueSchema = { type: 'string', minLength: 1 };

function target(properties: Readonly<Record<string, ValueSchema>>): ValueSchema {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

/** A {@link Target} in a file. */
export const TARGET: ValueSchema = {
  anyOf: [
    target({ endpoint: { const: 'classification' }, classes: { type: 'array', items: TEXT, minItems: 2 } }),
    target({
      endpoint: { const: 'survival' },
      head: { const: 'hazard' },
      time: TEXT,
      edges: { type: 'array', items: { type: 'number' } },
    }),
    target({ endpoint: { const: 'survival' }, head: { const: 'cox' }, time: TEXT }),
    target({ endpoint: { const: 'regression' }, value: TEXT }),
  ],
};
