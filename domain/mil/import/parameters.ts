import { fileInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

/** Parameters of `mil.import`. */
export const parameters = defineParameters({
  with: {
    table: fileInput(
      'table',
      'CSV with a header, one instance a row: bag (or bag_id), label (or bag_label), then the features.',
    ),
    'bag-column': { type: 'string', description: 'Column that names the bag. Default: bag or bag_id.' },
    'label-column': {
      type: 'string',
      description: "Column with the bag's label. Default: label or bag_label.",
    },
    ignore: {
      type: 'array',
      items: { type: 'string' },
      default: [],
      description: 'Columns that are no features.',
    },
    standardize: {
      type: 'boolean',
      default: false,
      description:
        'Subtract the mean and divide by the deviation over all instances of the table, test bags included. For a measure on the training bags alone set `standardize` in mil.train-fold instead.',
    },
  },
  required: ['table'],
});

export type ImportWith = WithOf<typeof parameters>;
