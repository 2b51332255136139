import { parameters } from '../../domain/mil/split/parameters.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'mil.split',
  version: 4,
  summary:
    'Assigns labeled slides to cross-validation folds: by patient and class, or exactly as in the published procedure',
  ...parameters,
  check: async (step) => (await import('../../domain/mil/split/check-split.js')).checkSplit(step),
  outputs: {
    splits: fileOutput('splits', 'splits.json: the training, validation and test slides of each fold.'),
    summary: {
      type: 'array',
      description:
        'One entry per fold. Slides of each class in train, val and test; for survival slides, patients and events; for regression slides, patients and the mean.',
    },
    digest: { type: 'string', description: 'Digest of splits.json.' },
    slides: { type: 'integer', description: 'Number of slides with a label.' },
    cohort: {
      type: 'string',
      description:
        'What was understood of the labels: slides, patients, and the classes, the events and times, or the values.',
    },
    dropped: { type: 'array', description: 'Omitted slides and labels, each with its reason.' },
    identical: {
      type: 'array',
      description: 'Lists of names whose bags have identical features: one slide under several names.',
    },
    warnings: {
      type: 'array',
      description:
        'What a reader of the results must know: omitted slides, sets that lack a class or an event, identical slides.',
    },
  },
  queue: 'cpu',
  timeout: '10m',
  heartbeat: '1m',
  stall: '10m',
  isolation: 'child',
  resumesFrom: 'the start (takes a second)',
  load: () => import('../../domain/mil/split/split.js'),
});
