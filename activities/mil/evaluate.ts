import { defineActivity, fileInput, fileOutput, itemsInput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'mil.evaluate',
  version: 2,
  summary: 'Scores the test slides of a trained fold: predictions, metrics under both protocols, ROC curve',
  with: {
    checkpoint: fileInput('checkpoint', 'Checkpoint of mil.train-fold; it knows its repeat and fold.'),
    bags: itemsInput('bag', 'Bags of all slides: the items that were split.'),
    splits: fileInput('splits', 'splits.json that the checkpoint was trained on.'),
    set: {
      type: 'string',
      enum: ['test', 'val', 'train'],
      default: 'test',
      description: 'Set of the fold to score.',
    },
    protocol: {
      type: 'string',
      enum: ['honest', 'paper'],
      default: 'honest',
      description:
        'Which threshold the main numbers use. honest: from the validation slides, or 0.5. paper: Youden on the scored fold, as published; optimistic. Both are computed and written.',
    },
    threshold: {
      type: 'string',
      enum: ['validation', 'half'],
      default: 'validation',
      description:
        'Threshold of the honest protocol: Youden on the validation slides (0.5 where there are fewer than 5 of a class), or always 0.5.',
    },
    bootstrap: {
      type: 'integer',
      minimum: 0,
      default: 1000,
      description: 'Replicates of the 95 % bootstrap intervals, within each class. 0: none.',
    },
    backend: {
      type: 'string',
      enum: ['auto', 'tensorflow', 'js'],
      default: 'auto',
      description: 'Where the model runs; see mil.train-fold.',
    },
  },
  required: ['checkpoint', 'bags', 'splits'],
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
  resumesFrom: 'the start (a forward pass a slide)',
  load: () => import('../../domain/mil/evaluate/evaluate.js'),
});
