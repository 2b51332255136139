import { fileInput, itemsInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

/** Parameters of `pipeline.copy`. */
export const parameters = defineParameters({
  with: {
    files: {
      'x-synonyms': ['file', 'from', 'source'],
      type: 'array',
      items: fileInput('any', 'A file output of an earlier stage.'),
      description: 'Single files to copy.',
    },
    items: itemsInput('any', 'Items whose `outputs` are copied.'),
    outputs: {
      type: 'array',
      items: { type: 'string' },
      description: 'Names of the outputs to copy from each finished item.',
    },
    to: {
      'x-synonyms': ['dest', 'destination', 'output', 'out', 'folder', 'target'],
      type: 'string',
      minLength: 1,
      description: 'Target folder: absolute, or relative to the work folder. Created if it is missing.',
    },
    layout: {
      'x-synonyms': ['structure'],
      type: 'string',
      enum: ['flat', 'by-item'],
      default: 'flat',
      description: '`flat`: all files in the folder itself. `by-item`: one folder per item.',
    },
    overwrite: {
      'x-synonyms': ['force', 'replace'],
      type: 'boolean',
      default: false,
      description:
        'Replace files that have the same name but other content. Default: refuse them before anything is written.',
    },
  },
  required: ['to'],
});

export type CopyWith = WithOf<typeof parameters>;
