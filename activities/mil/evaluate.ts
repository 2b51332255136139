import { parameters } from '../../domain/mil/evaluate/parameters.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';
import { modelOf } from '../../domain/mil/models/checkpoint-model.js';

export const definition = defineActivity({
  name: 'mil.evaluate',
  version: 2,
  summary: 'Scores the test slides of a trained fold: predictions, metrics under both protocols, ROC curve',
  ...parameters,
  modelsUsed: async (_, { checkpoint }) => [modelOf(checkpoint)],
  outputs: {
    predictions: fileOutput(
      'predictions',
      'predictions/<cell>.csv: slide, label, probability of each class, class called.',
    ),
    'validation-predictions': fileOutput(
      'predictions',
      'The same of the validation slides, where the threshold comes from; absent without a validation set.',
    ),
    metrics: fileOutput(
      'metrics',
      'metrics/<cell>.json: every metric, both protocols, intervals, digests of the inputs.',
    ),
    roc: fileOutput('roc', 'roc/<cell>.csv: class, threshold, fpr, tpr.'),
    auc: { type: ['number', 'null'], description: 'AUC; null where a class has no slide.' },
    f1: { type: 'number', description: 'F1 of the positive class under the chosen protocol.' },
    accuracy: { type: 'number', description: 'Accuracy under the chosen protocol.' },
    threshold: { type: ['number', 'null'], description: 'Threshold used; null: nothing is called positive.' },
    protocol: { type: 'string', description: 'honest or paper.' },
    slides: { type: 'integer', description: 'Scored slides.' },
    set: { type: 'string', description: 'Scored set.' },
  },
  queue: 'gpu',
  timeout: '2h',
  heartbeat: '2m',
  isolation: 'child',
  requires: ['tensorflow'],
  resumesFrom: 'the start (a forward pass a slide)',
  load: () => import('../../domain/mil/evaluate/evaluate.js'),
});
