import type { ValueSchema } from '../../activity-schema.js';
import { ENDPOINTS } from '../targets/target.js';

const NAME: ValueSchema = { type: 'string', minLength: 1 };
const NAMES: ValueSchema = { type: 'array', items: NAME };
const NUMBER: ValueSchema = { type: 'integer', minimum: 0 };

/** Lists of folds. Unknown keys are refused: `valid` for `val` would train on the validation slides. */
function repeats(repeatKeys: readonly string[], foldKeys: readonly string[]): ValueSchema {
  const fold: ValueSchema = {
    type: 'object',
    properties: { fold: NUMBER, train: NAMES, val: NAMES, test: NAMES },
    required: foldKeys,
    additionalProperties: false,
  };
  const repeat: ValueSchema = {
    type: 'object',
    properties: {
      repeat: NUMBER,
      seed: { type: 'integer' },
      folds: { type: 'array', minItems: 1, items: fold },
    },
    required: repeatKeys,
    additionalProperties: false,
  };
  return { type: 'array', minItems: 1, items: repeat };
}

const FOLLOW_UP: ValueSchema = {
  type: 'object',
  properties: { time: { type: 'number', minimum: 0 }, event: { enum: [0, 1] } },
  required: ['time', 'event'],
  additionalProperties: false,
};

/** Version 1 of the splits file, as mil.split writes it. */
export const SPLITS: ValueSchema = {
  type: 'object',
  properties: {
    splits: { const: 1 },
    scheme: { enum: ['stratified', 'reference', 'all', 'file'] },
    part: { const: true },
    seed: { type: 'integer' },
    source: { type: 'string' },
    endpoint: { enum: ENDPOINTS },
    classes: { type: 'array', items: NAME, minItems: 1 },
    quantity: NAME,
    followUp: { type: 'object', additionalProperties: FOLLOW_UP },
    values: { type: 'object', additionalProperties: { type: 'number' } },
    labels: { type: 'object', additionalProperties: NUMBER },
    groups: { type: 'object', additionalProperties: NAME },
    repeats: repeats(['repeat', 'seed', 'folds'], ['fold', 'train', 'val', 'test']),
  },
  required: ['splits', 'scheme', 'seed', 'endpoint', 'classes', 'labels', 'repeats'],
  additionalProperties: false,
};

/** A user's splits file, which may also be one of mil.split. */
export const GIVEN_SPLITS: ValueSchema = {
  type: 'object',
  properties: { repeats: repeats(['folds'], ['test']) },
  required: ['repeats'],
};
