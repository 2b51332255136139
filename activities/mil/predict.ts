import { modelsUsed } from '../../domain/mil/models/checkpoint-model.js';
import { parameters } from '../../domain/mil/predict/parameters.js';
import { reads } from '../../domain/mil/predict/reads.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'mil.predict',
  version: 2,
  summary:
    'Applies one checkpoint, or the folds of a model together, to slides of another cohort, with or without labels',
  ...parameters,
  reads,
  check: async (step) => (await import('../../domain/mil/predict/check-predict.js')).checkPredict(step),
  modelsUsed,
  outputs: {
    predictions: fileOutput(
      'predictions',
      'predictions.csv: slide_id, label and patient if known, prob_<class> of the ensemble, spread_<class> over the checkpoints, called. Survival: risk, spread, group (high, low). Regression: predicted, spread.',
    ),
    folds: fileOutput(
      'folds',
      'folds.csv: slide_id, checkpoint, prob_<class> of that checkpoint; survival: risk, and averaged_risk on the scale of the average; regression: predicted.',
    ),
    'patient-predictions': fileOutput(
      'patient-predictions',
      'patients.csv: patient_id, slides and the columns of predictions.csv. Only with `level: patient`.',
    ),
    ensemble: fileOutput(
      'ensemble',
      'ensemble.json: model, target, checkpoints with their validation scores or training risks, threshold. For `ensemble` of mil.evaluate.',
    ),
    'top-patches': fileOutput(
      'top-patches',
      'top-patches.csv: slide_id, rank, x, y (level 0), attention. Only with `attention`, which also writes attention/<slide>.h5: attention (N), coords (N x 2, level 0).',
    ),
    slides: { type: 'integer', description: 'Number of predicted slides.' },
    patients: { type: 'integer', description: 'Number of patients. Only with `level: patient`.' },
    checkpoints: { type: 'integer', description: 'Number of checkpoints.' },
    model: { type: 'string', description: 'Name of the model.' },
    endpoint: { type: 'string', description: 'classification, survival or regression.' },
    classes: {
      type: 'array',
      description: 'Class names in index order. Only of a classification.',
    },
    threshold: {
      type: ['number', 'null'],
      description:
        'Locked threshold; for survival, a risk above it is high. null with more than two classes: the most probable class is called. None for regression.',
    },
    'threshold-from': { type: 'string', description: 'Where the threshold comes from.' },
  },
  queue: 'gpu',
  timeout: '6h',
  heartbeat: '2m',
  stall: '30m',
  isolation: 'child',
  keptByRun: true,
  requires: ['tensorflow'],
  resumesFrom: 'the start (one forward pass per slide and checkpoint)',
  load: () => import('../../domain/mil/predict/predict.js'),
});
