import { fileInput, itemsInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

/** Parameters of `mil.evaluate`. */
export const parameters = defineParameters({
  with: {
    checkpoint: fileInput('checkpoint', 'Checkpoint of mil.train-fold; it knows its repeat and fold.'),
    bags: itemsInput('bag', 'Bags of all slides: the items that were split.'),
    splits: fileInput('splits', 'splits.json that the checkpoint was trained on.'),
    set: {
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
        'Which threshold the main numbers use. honest: from the validation slides, or 0.5. paper: Youden on the scored fold, as published; optimistic. Both are computed and written.',
    },
    threshold: {
      type: 'string',
      enum: ['validation', 'half'],
      default: 'validation',
      description:
        'Threshold of the honest protocol: Youden on the validation slides (0.5 where there are fewer than 5 of a class), or always 0.5.',
    },
    bootstrap: {
      type: 'integer',
      minimum: 0,
      default: 1000,
      description: 'Replicates of the 95 % bootstrap intervals, within each class. 0: none.',
    },
    backend: {
      type: 'string',
      enum: ['auto', 'tensorflow', 'js'],
      default: 'auto',
      description: 'Where the model runs; see mil.train-fold.',
    },
  },
  required: ['checkpoint', 'bags', 'splits'],
});

export type EvaluateWith = WithOf<typeof parameters>;
