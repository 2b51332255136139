import { fileInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

/** Parameters of `mil.import`. */
export const parameters = defineParameters({
  with: {
    table: {
      ...fileInput(
        'table',
        'CSV with a header and one instance per row: bag (or bag_id), label (or bag_label), then the features.',
      ),
      'x-synonyms': ['csv', 'file', 'data'],
    },
    'bag-column': { type: 'string', description: 'Column with the name of the bag. Default: bag or bag_id.' },
    'label-column': {
      type: 'string',
      description: "Column with the bag's label. Default: label or bag_label.",
    },
    ignore: {
      'x-synonyms': ['drop', 'exclude'],
      type: 'array',
      items: { type: 'string' },
      default: [],
      description: 'Columns that are not features.',
    },
    standardize: {
      'x-synonyms': ['normalize', 'normalise', 'standardise'],
      type: 'boolean',
      default: false,
      description:
        'Whether to subtract the mean and divide by the standard deviation of all instances in the table, including test bags. To use the statistics of the training bags only, set `standardize` in mil.train-fold instead.',
    },
  },
  required: ['table'],
});

export type ImportWith = WithOf<typeof parameters>;
