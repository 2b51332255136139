import { fileInput, itemsInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';
import { ENCODER_OF_BAGS } from '../bags/encoder-parameter.js';
import { BACKEND } from '../compute/backend-parameter.js';

/** Parameters of `mil.predict`. */
export const parameters = defineParameters({
  with: {
    checkpoint: {
      ...fileInput('checkpoint', 'Checkpoint of one training. Set either this or `checkpoints`.'),
      'x-synonyms': ['weights', 'ckpt', 'model', 'model-path'],
    },
    checkpoints: itemsInput(
      'checkpoint',
      'Items of mil.train-fold or mil.import-checkpoint: the folds of one model, which predict together.',
    ),
    bags: {
      ...itemsInput(
        'bag',
        'Bags of the slides to predict: the items of the stage that extracted the features.',
      ),
      'x-synonyms': ['features', 'data'],
    },
    encoder: ENCODER_OF_BAGS,
    labels: {
      ...fileInput(
        'labels',
        'CSV with slide_id and optionally label and patient columns, which are added to the predictions (of a classification; otherwise only the patient). Slides without a row or a label are predicted too.',
      ),
      'x-synonyms': ['label', 'csv', 'label-file', 'table'],
    },
    'key-column': {
      'x-synonyms': ['slide-column', 'slide-id', 'id-column'],
      type: 'string',
      description: 'Column of the labels with the name of the slide.',
    },
    'label-column': {
      'x-synonyms': ['target', 'label-name'],
      type: 'string',
      description: 'Column of the labels with the class.',
    },
    'group-column': {
      'x-synonyms': ['patient', 'patients', 'patient-column', 'group', 'groups'],
      type: 'string',
      description:
        'Column of the labels with the patient; none: no column. Default: a column such as patient, PatientID or case_id, if the file has one.',
    },
    combine: {
      'x-synonyms': ['ensemble', 'average'],
      type: 'string',
      enum: ['probabilities', 'logits'],
      default: 'probabilities',
      description:
        'What is averaged over the checkpoints of a classification. probabilities: the class probabilities. logits: the logits, of which the softmax is taken. Survival: the risks (of Cox models standardized by the training patients of each); regression: the values.',
    },
    threshold: {
      'x-synonyms': ['cutoff', 'cut-off'],
      anyOf: [{ enum: ['pooled', 'mean', 'half'] }, { type: 'number', minimum: 0, maximum: 1 }],
      description:
        "Threshold for two classes, locked at training. pooled: Youden on the validation scores of all checkpoints. mean: the mean of the checkpoints' own thresholds. half: 0.5. Or a number. Default: pooled, or 0.5 with fewer than 5 validation slides of a class. Survival: always the median risk of the training patients of all checkpoints.",
    },
    level: {
      type: 'string',
      enum: ['slide', 'patient'],
      default: 'slide',
      description:
        'patient: also writes the predictions of patients, with a threshold from the patients of the validation slides. Requires `labels` with a patient column.',
    },
    'patient-score': {
      type: 'string',
      enum: ['mean', 'max', 'noisy-or'],
      default: 'mean',
      description:
        "How the scores of a patient's slides become one. noisy-or: the probability that at least one slide is positive if slides are independent. Survival: mean or max; regression: mean.",
    },
    mismatch: {
      type: 'string',
      enum: ['error', 'warn'],
      default: 'error',
      description:
        'How to handle bags that were made differently from the training bags: encoder, weights, precision, patch size, resolution, group rows.',
    },
    attention: {
      type: 'boolean',
      default: false,
      description:
        'Whether to write the attention of every patch (mean over the checkpoints), and the patches with the highest attention of each slide.',
    },
    'top-patches': {
      type: 'integer',
      minimum: 1,
      default: 10,
      description: 'Number of patches of each slide in top-patches.csv. Only with `attention`.',
    },
    backend: BACKEND,
  },
  required: ['bags'],
});

export type PredictWith = WithOf<typeof parameters>;
