import type { ValueSchema } from '../../activity-schema.js';
import { TARGET } from '../targets/target-schema.js';
import { ENDPOINTS } from '../targets/target.js';

const SIZE: ValueSchema = { type: 'integer', minimum: 1 };

const NUMBERS: ValueSchema = { type: 'array', items: { type: 'number' } };

/** Facts about the training that later steps compute with. */
const TRAINING: ValueSchema = {
  type: 'object',
  properties: {
    'validation-scores': {
      type: 'object',
      properties: {
        labels: { type: 'array', items: { type: 'integer', minimum: 0 } },
        probabilities: { type: 'array', items: NUMBERS },
        patients: { type: 'array', items: { type: 'integer', minimum: 0 } },
      },
      required: ['labels', 'probabilities'],
    },
    'bag-facts': {
      type: 'object',
      additionalProperties: { type: 'array', items: { type: ['string', 'number'] }, minItems: 1 },
    },
  },
};

/** The notes of a checkpoint, once those that are JSON are parsed. */
export const CHECKPOINT_NOTES: ValueSchema = {
  type: 'object',
  properties: {
    config: {
      type: 'object',
      properties: {
        model: { type: 'string', minLength: 1 },
        dim: SIZE,
        outputs: SIZE,
        endpoint: { enum: ENDPOINTS },
        embedDim: SIZE,
        attentionDim: SIZE,
        dropout: { type: 'number', minimum: 0, maximum: 1 },
        options: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
      },
      required: ['model', 'dim', 'outputs', 'endpoint', 'embedDim', 'attentionDim', 'dropout', 'options'],
    },
    target: TARGET,
    'group-features': { enum: ['true', 'false'] },
    training: TRAINING,
  },
  required: ['config', 'target', 'group-features', 'training'],
};
