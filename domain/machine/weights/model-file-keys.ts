import type { ValueSchema } from '../../activity-schema.js';

/** Schema of a non-empty string. */
export function text(description: string) {
  return { type: 'string', minLength: 1, description } as const satisfies ValueSchema;
}

/** Schema of a positive integer. */
export function count(description: string) {
  return { type: 'integer', minimum: 1, description } as const satisfies ValueSchema;
}

/** Schemas of the normalization of an image. */
export const CHANNEL_MEAN = {
  type: 'array',
  items: { type: 'number' },
  minItems: 3,
  maxItems: 3,
  description: 'three numbers: red, green, blue; of values 0 to 1',
} as const satisfies ValueSchema;

export const CHANNEL_STD = {
  ...CHANNEL_MEAN,
  items: { type: 'number', exclusiveMinimum: 0 },
  description: 'three positive numbers: red, green, blue; of values 0 to 1',
} as const satisfies ValueSchema;

/** Schema of the key that selects one network of a checkpoint. */
export const CHECKPOINT_PREFIX = {
  type: 'string',
  description: 'what precedes the names of the tensors, if the checkpoint has several networks',
} as const satisfies ValueSchema;

/** Schema of the key that names the tensors of a checkpoint to leave out. */
export const CHECKPOINT_IGNORE = {
  type: 'array',
  items: text('name of a tensor, or `name.*` for all below `name`'),
  description: 'tensors that the network does not need, by name, or `name.*` for all below `name`',
} as const satisfies ValueSchema;

/** The keys of every file that describes a custom model, such as an encoder or a segmenter. */
export const MODEL_FILE_KEYS = {
  name: text('name of the model'),
  version: { ...count('version of the model'), default: 1 },
  license: { ...text('license of the weights'), default: 'not stated' },
  note: { ...text('one sentence that describes the model'), default: 'registered by file' },
} as const satisfies Readonly<Record<string, ValueSchema>>;
