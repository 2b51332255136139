import { parameters } from '../../domain/mil/import/parameters.js';
import { defineActivity, fileOutput, itemsOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'mil.import',
  version: 2,
  summary:
    'A table of instances, as classical MIL data sets come, to one features file a bag, listed as items, and a labels file',
  ...parameters,
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
