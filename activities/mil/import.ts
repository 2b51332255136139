import { parameters } from '../../domain/mil/import/parameters.js';
import { defineActivity, fileOutput, itemsOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'mil.import',
  version: 2,
  summary:
    'Converts a table of instances, the format of classical MIL data sets, to one features file per bag, a list of items and a labels file',
  ...parameters,
  outputs: {
    bags: itemsOutput(
      'bag',
      'bags.jsonl: the bags as items, for `bags` of mil.split, mil.train-fold and mil.evaluate: `${{ needs.import.outputs.bags }}`.',
    ),
    labels: fileOutput(
      'labels',
      'labels.csv: slide_id, path of the features file relative to this file, label. Can be used in `foreach: { csv: ... }`.',
    ),
    count: { type: 'integer', description: 'Number of bags.' },
    instances: { type: 'integer', description: 'Number of instances.' },
    dim: { type: 'integer', description: 'Number of features per instance.' },
  },
  queue: 'cpu',
  timeout: '30m',
  heartbeat: '1m',
  stall: '10m',
  isolation: 'child',
  resumesFrom: 'the start (takes seconds)',
  load: () => import('../../domain/mil/import/import.js'),
});
