import { fileInput, itemsInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

/** Parameters of `mil.split`. */
export const parameters = defineParameters({
  with: {
    bags: itemsInput('bag', 'Bags to split: the items of the stage that made the features.'),
    labels: fileInput(
      'labels',
      'CSV with a header (slide_id, label, and perhaps a patient column), or without one: name,label.',
    ),
    folds: { type: 'integer', minimum: 2, default: 5, description: 'Folds of each cross-validation.' },
    repeats: {
      type: 'integer',
      minimum: 1,
      default: 1,
      description: 'Cross-validations; repeat r is made with seed + r.',
    },
    seed: { type: 'integer', minimum: 0, default: 2021, description: 'Seed of the first repeat.' },
    'val-ratio': {
      type: 'number',
      minimum: 0,
      maximum: 0.9,
      default: 0,
      description:
        'Share of the training slides of each class that becomes an inner validation set. 0: none.',
    },
    scheme: {
      type: 'string',
      enum: ['stratified', 'reference'],
      default: 'stratified',
      description:
        'stratified: patients whole and classes even, independent of file order. reference: the published procedure (rows in file order, Python shuffle, stratified folds).',
    },
    'group-column': {
      type: 'string',
      description:
        'Labels column whose equal values stay in one set; none turns grouping off. Absent: a patient or case column, where the file has one.',
    },
    splits: fileInput(
      'splits',
      'Use these lists instead: JSON (repeats, folds, train, val, test) or CSV (repeat, fold, set, slide_id).',
    ),
    match: {
      type: 'string',
      enum: ['exact', 'contains'],
      default: 'exact',
      description:
        "exact: a row names a slide. contains: it names a patient, whose name is part of the slides' names (as for TCGA).",
    },
    unmatched: {
      type: 'string',
      enum: ['error', 'drop'],
      default: 'error',
      description:
        'What to do about slides without a label and labels without a slide. Slides that ended early are always left out and reported.',
    },
    'key-column': { type: 'string', description: 'Labels column that names the slide or patient.' },
    'label-column': { type: 'string', description: 'Labels column that holds the class.' },
    classes: {
      type: 'array',
      items: { type: 'string' },
      description: 'Class names in index order; of two, the last is the positive one. Absent: sorted.',
    },
  },
  required: ['bags', 'labels'],
});

export type SplitWith = WithOf<typeof parameters>;
