import type { ValueSchema } from '../../activity-schema.js';

/** A text that cannot be empty. */
export function text(description: string) {
  return { type: 'string', minLength: 1, description } as const satisfies ValueSchema;
}

/** A whole number from 1. */
export function count(description: string) {
  return { type: 'integer', minimum: 1, description } as const satisfies ValueSchema;
}

/** What every file that describes a person's own model has, whether an encoder or a segmenter. */
export const MODEL_FILE_KEYS = {
  name: text('name of the model'),
  version: { ...count('version of the model'), default: 1 },
  license: { ...text('license of the weights'), default: 'not stated' },
  note: { ...text('what the model is, in a sentence'), default: 'registered by file' },
} as const satisfies Readonly<Record<string, ValueSchema>>;
