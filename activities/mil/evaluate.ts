import { reads } from '../../domain/mil/evaluate/reads.js';
import { parameters } from '../../domain/mil/evaluate/parameters.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';
import { findEvaluateFaults } from '../../domain/mil/evaluate/find-faults.js';
import { modelOf } from '../../domain/mil/models/checkpoint-model.js';

export const definition = defineActivity({
  name: 'mil.evaluate',
  version: 5,
  summary:
    'Scores the test slides or patients of a trained fold, or given predictions of another cohort: classes under both protocols, survival or regression; sites',
  ...parameters,
  reads,
  modelsUsed: async (_, { checkpoint }) => (checkpoint === undefined ? [] : [await modelOf(checkpoint)]),
  findFaults: findEvaluateFaults,
  check: async (step) => (await import('../../domain/mil/evaluate/check-evaluate.js')).checkEvaluate(step),
  outputs: {
    predictions: fileOutput(
      'predictions',
      'predictions/<cell>.csv: slide, label, probability of each class, called class. Survival: time, event, risk, standardized_risk (by the training patients), group (high, low). Regression: label, predicted. With `level: patient`: patient_id and slides in place of slide_id.',
    ),
    'validation-predictions': fileOutput(
      'predictions',
      'predictions/<cell>.validation.csv: the same for the validation slides, which determine the threshold. Absent without a validation set.',
    ),
    metrics: fileOutput(
      'metrics',
      'metrics/<cell>.json: endpoint, every metric (of a classification under both protocols), intervals, digests of the inputs.',
    ),
    sites: fileOutput(
      'sites',
      'sites/<cell>.csv: slides, AUC and rates (concordance, or errors) of each site. Only with a site column.',
    ),
    comparisons: fileOutput(
      'comparisons',
      "comparisons/<cell>.csv: DeLong's test (survival, regression: paired bootstrap) with each model of `compare-with`.",
    ),
    roc: fileOutput('roc', 'roc/<cell>.csv: class, threshold, fpr, tpr. Only of a classification.'),
    auc: {
      type: ['number', 'null'],
      description:
        'AUC. null where a class has no slides. With more than two classes, the macro mean of the classes against the rest.',
    },
    f1: {
      type: ['number', 'null'],
      description:
        'F1 of the positive class under the selected protocol. null where that class has no slides. With more than two classes, the macro mean.',
    },
    concordance: {
      type: ['number', 'null'],
      description: "Harrell's concordance, only of survival. null where no pair is comparable.",
    },
    events: { type: 'integer', description: 'Number of scored events, only of survival.' },
    rmse: { type: ['number', 'null'], description: 'Root mean squared error, only of regression.' },
    r2: {
      type: ['number', 'null'],
      description: 'Coefficient of determination, only of regression. null for equal values.',
    },
    accuracy: { type: 'number', description: 'Accuracy under the selected protocol.' },
    threshold: {
      type: ['number', 'null'],
      description: 'Threshold. null: no slide is called positive, or there are more than two classes.',
    },
    protocol: { type: 'string', description: 'honest or paper.' },
    slides: { type: 'integer', description: 'Number of scored slides.' },
    patients: {
      type: 'integer',
      description: 'Number of scored patients. Only with `level: patient`.',
    },
    set: { type: 'string', description: 'Scored set.' },
  },
  queue: 'gpu',
  timeout: '2h',
  heartbeat: '2m',
  stall: '30m',
  isolation: 'child',
  keptByRun: true,
  requires: ['tensorflow'],
  resumesFrom: 'the start (one forward pass per slide)',
  load: () => import('../../domain/mil/evaluate/evaluate.js'),
});
