import { parameters } from '../../domain/mil/split/parameters.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'mil.split',
  version: 2,
  summary:
    'Labels to cross-validation folds: patients whole, classes balanced, or the published procedure to the name',
  ...parameters,
  outputs: {
    splits: fileOutput('splits', 'splits.json: who is trained, validated and tested on whom.'),
    summary: { type: 'array', description: 'Slides of each class in train, val and test, one entry a fold.' },
    digest: { type: 'string', description: 'Digest of splits.json.' },
    slides: { type: 'integer', description: 'Slides with a label.' },
    dropped: { type: 'array', description: 'Slides and labels left out, each with its reason.' },
    identical: {
      type: 'array',
      description: 'Lists of names whose bags have the same bytes: one slide under several names.',
    },
  },
  queue: 'cpu',
  timeout: '10m',
  heartbeat: '1m',
  isolation: 'child',
  resumesFrom: 'the start (a second long)',
  load: () => import('../../domain/mil/split/split.js'),
});
