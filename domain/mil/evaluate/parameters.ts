import { fileInput, itemsInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';
import { ENCODER_OF_BAGS } from '../bags/encoder-parameter.js';
import { BACKEND } from '../compute/backend-parameter.js';

/**
 * Parameters for predictions of slides that no split knows. They have no defaults, which would be part of the
 * cache keys of folds.
 */
const EXTERNAL = {
  predictions: {
    ...fileInput(
      'predictions',
      'CSV with slide_id and prob_<class> of each class (survival: risk, larger for an earlier event; regression: predicted), and optionally label, patient and site: the output of mil.predict, or of another tool. Instead of `checkpoint`, `bags` and `splits`.',
    ),
    'x-synonyms': ['scores', 'probabilities'],
  },
  ensemble: fileInput(
    'ensemble',
    'ensemble.json of mil.predict: names the model and holds the locked threshold, and for survival the training patients.',
  ),
  labels: {
    ...fileInput(
      'labels',
      'CSV with slide_id, label (survival: time and event) and optionally patient and site columns. Default: the columns of `predictions`.',
    ),
    'x-synonyms': ['label', 'csv', 'label-file', 'table'],
  },
  'key-column': { type: 'string', description: 'Column of the labels with the name of the slide.' },
  'label-column': {
    type: 'string',
    description: 'Column of the labels with the class, or the value of a regression.',
  },
  'time-column': {
    type: 'string',
    description: 'Column of the labels with the time of survival: see mil.split.',
  },
  'event-column': {
    type: 'string',
    description: 'Column of the labels that states whether the event happened: see mil.split.',
  },
  'event-values': {
    type: 'array',
    minItems: 1,
    items: { type: ['string', 'number', 'boolean'] },
    description: 'Texts of the event column that mean the event: see mil.split.',
  },
  'censored-values': {
    type: 'array',
    minItems: 1,
    items: { type: ['string', 'number', 'boolean'] },
    description: 'Texts of the event column that mean no event: see mil.split.',
  },
  'group-column': {
    'x-synonyms': ['patient', 'patients', 'patient-column', 'group', 'groups'],
    type: 'string',
    description:
      'Column of the labels with the patient; none: no column. Default: a column such as patient, PatientID or case_id, if the file has one.',
  },
  'site-column': {
    'x-synonyms': ['site', 'hospital', 'center'],
    type: 'string',
    description:
      'Column of the labels with the site, such as the hospital: metrics of each site, with the same threshold.',
  },
  unmatched: {
    type: 'string',
    enum: ['error', 'drop'],
    description:
      'How to handle predictions without a row in the labels, and rows without a prediction. Predictions without a label are always left out and reported. Default: error.',
  },
  classes: {
    'x-synonyms': ['class-names'],
    type: 'array',
    items: { type: 'string' },
    description:
      'Class names in index order, for predictions of another tool. Of two, the last is the positive one. Default: the order of the columns prob_<class>.',
  },
  level: {
    type: 'string',
    enum: ['slide', 'patient'],
    description:
      'patient: scores patients, whose slides must have one label, follow-up or value. Default: slide.',
  },
  'patient-score': {
    type: 'string',
    enum: ['mean', 'max', 'noisy-or'],
    description:
      "How the scores of a patient's slides become one: see mil.predict. Survival: mean or max of the risks; regression: mean. Default: mean.",
  },
  'compare-with': {
    'x-synonyms': ['against', 'compare'],
    type: 'array',
    items: fileInput('predictions', 'Predictions of another model on the same slides.'),
    description:
      "Predictions of other models on the same slides: DeLong's test of each pair of AUCs; for survival and regression, a paired bootstrap of the difference of concordance or RMSE.",
  },
} as const;

/** Parameters of `mil.evaluate`. */
export const parameters = defineParameters({
  with: {
    checkpoint: {
      ...fileInput(
        'checkpoint',
        'Checkpoint of mil.train-fold, which stores its repeat and fold. Set `checkpoint`, `bags` and `splits`, or `predictions`.',
      ),
      'x-synonyms': ['weights', 'ckpt', 'model', 'model-path'],
    },
    bags: {
      ...itemsInput('bag', 'Bags of all slides: the items that mil.split used.'),
      'x-synonyms': ['features', 'data'],
    },
    encoder: ENCODER_OF_BAGS,
    splits: {
      ...fileInput('splits', 'splits.json on which the checkpoint was trained.'),
      'x-synonyms': ['split', 'split-file'],
    },
    set: {
      'x-synonyms': ['subset', 'dataset'],
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
        'Threshold of the main numbers. honest: from the validation slides, or 0.5. paper: Youden on the scored fold, as published; optimistic. Both are computed and written.',
    },
    threshold: {
      anyOf: [{ enum: ['validation', 'mean', 'half'] }, { type: 'number', minimum: 0, maximum: 1 }],
      default: 'validation',
      description:
        "Threshold of the honest protocol: validation: Youden on the validation slides, or 0.5 with fewer than 5 slides of a class; for `predictions`, the threshold of `ensemble`, or 0.5 without it. mean: the mean of the checkpoints' own thresholds, only for `predictions` with `ensemble`. half: always 0.5. Or a number.",
    },
    ordered: {
      'x-synonyms': ['ordinal', 'grades'],
      type: 'boolean',
      default: false,
      description:
        'The classes are an ordered scale such as grades, from low to high in the order of `classes` of mil.split. Adds the quadratic kappa. Only for more than two classes.',
    },
    ...EXTERNAL,
    bootstrap: {
      'x-synonyms': ['n-bootstrap', 'bootstraps'],
      type: 'integer',
      minimum: 0,
      default: 1000,
      description:
        'Replicates of the 95 % bootstrap intervals, drawn within each class (survival: within those with and without the event). 0 disables the intervals.',
    },
    backend: BACKEND,
  },
  required: [],
});

export type EvaluateWith = WithOf<typeof parameters>;
