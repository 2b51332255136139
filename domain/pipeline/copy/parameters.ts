import { fileInput, itemsInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

/** Parameters of `pipeline.copy`. */
export const parameters = defineParameters({
  with: {
    files: {
      type: 'array',
      items: fileInput('any', 'A file output of an earlier stage.'),
      description: 'Single files.',
    },
    items: itemsInput('any', 'Items whose `outputs` are to be copied.'),
    outputs: {
      type: 'array',
      items: { type: 'string' },
      description: 'Names of the outputs to copy of each finished item.',
    },
    to: {
      type: 'string',
      minLength: 1,
      description: 'Target folder: absolute, or relative to the work folder. Made where it is missing.',
    },
    layout: {
      type: 'string',
      enum: ['flat', 'by-item'],
      default: 'flat',
      description: 'flat: all files in the folder itself. by-item: a folder for each item.',
    },
    overwrite: {
      type: 'boolean',
      default: false,
      description:
        'Replace files of the same name and other content. Without it they are refused before anything is written.',
    },
  },
  required: ['to'],
});

export type CopyWith = WithOf<typeof parameters>;
