import { fileInput, itemsInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

/** Parameters of `mil.evaluate`. */
export const parameters = defineParameters({
  with: {
    checkpoint: {
      ...fileInput('checkpoint', 'Checkpoint of mil.train-fold, which stores its repeat and fold.'),
      'x-synonyms': ['weights', 'ckpt', 'model', 'model-path'],
    },
    bags: {
      ...itemsInput('bag', 'Bags of all slides: the items that mil.split used.'),
      'x-synonyms': ['features', 'data'],
    },
    encoder: {
      type: 'string',
      description:
        'Encoder whose bags are used, if pathology.extract made bags of several `encoders`: then the output `bag-<encoder>` of each item instead of `bag`.',
    },
    splits: {
      ...fileInput('splits', 'splits.json on which the checkpoint was trained.'),
      'x-synonyms': ['split', 'split-file'],
    },
    set: {
      'x-synonyms': ['subset', 'dataset'],
      type: 'string',
      enum: ['test', 'val', 'train'],
      default: 'test',
      description: 'Set of the fold to score.',
    },
    protocol: {
      type: 'string',
      enum: ['honest', 'paper'],
      default: 'honest',
      description:
        'Threshold of the main numbers. honest: from the validation slides, or 0.5. paper: Youden on the scored fold, as published; optimistic. Both are computed and written.',
    },
    threshold: {
      type: 'string',
      enum: ['validation', 'half'],
      default: 'validation',
      description:
        'Threshold of the honest protocol: validation: Youden on the validation slides, or 0.5 with fewer than 5 slides of a class. half: always 0.5.',
    },
    ordered: {
      'x-synonyms': ['ordinal', 'grades'],
      type: 'boolean',
      default: false,
      description:
        'The classes are an ordered scale such as grades, from low to high in the order of `classes` of mil.split. Adds the quadratic kappa. Only for more than two classes.',
    },
    bootstrap: {
      'x-synonyms': ['n-bootstrap', 'bootstraps'],
      type: 'integer',
      minimum: 0,
      default: 1000,
      description:
        'Replicates of the 95 % bootstrap intervals, drawn within each class. 0 disables the intervals.',
    },
    backend: {
      'x-synonyms': ['device', 'gpu', 'cuda', 'use-gpu'],
      type: 'string',
      enum: ['auto', 'tensorflow', 'js'],
      default: 'auto',
      description: 'Compute backend. See mil.train-fold.',
    },
  },
  required: ['checkpoint', 'bags', 'splits'],
});

export type EvaluateWith = WithOf<typeof parameters>;
