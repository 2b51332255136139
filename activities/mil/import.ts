import { defineActivity, fileInput, fileOutput, itemsOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'mil.import',
  version: 2,
  summary:
    'A table of instances, as classical MIL data sets come, to one features file a bag, listed as items, and a labels file',
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
  outputs: {
    bags: itemsOutput(
      'bag',
      'bags.jsonl: the bags as items, for `bags` of mil.split, mil.train-fold and mil.evaluate: `${{ needs.import.outputs.bags }}`.',
    ),
    labels: fileOutput(
      'labels',
      'labels.csv: slide_id, path of the features file relative to it, label. A source for `foreach: { csv: ... }`.',
    ),
    count: { type: 'integer', description: 'Bags.' },
    instances: { type: 'integer', description: 'Instances.' },
    dim: { type: 'integer', description: 'Features of an instance.' },
  },
  queue: 'cpu',
  timeout: '30m',
  heartbeat: '1m',
  isolation: 'child',
  resumesFrom: 'the start (seconds long)',
  load: () => import('../../domain/mil/import/import.js'),
});
