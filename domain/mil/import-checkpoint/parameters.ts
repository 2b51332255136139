import { fileInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

/** Parameters of `mil.import-checkpoint`. */
export const parameters = defineParameters({
  with: {
    checkpoint: {
      ...fileInput(
        'checkpoint',
        'Checkpoint of mil.train-fold in another work folder, or a .pt of the published MHIM-MIL and SAM-MIL code.',
      ),
      'x-synonyms': ['weights', 'ckpt', 'model', 'model-path', 'file'],
    },
  },
  required: ['checkpoint'],
});

export type ImportCheckpointWith = WithOf<typeof parameters>;
