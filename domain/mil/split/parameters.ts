import { ENDPOINTS } from '../targets/target.js';
import { fileInput, itemsInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

/** Parameters of `mil.split`. */
export const parameters = defineParameters({
  with: {
    bags: {
      ...itemsInput('bag', 'Bags to split: the items of the stage that extracted the features.'),
      'x-synonyms': ['features', 'data'],
    },
    labels: {
      ...fileInput(
        'labels',
        'CSV with a header (slide_id, label and optionally a patient column; for survival time and event in place of label), or without a header (name,label).',
      ),
      'x-synonyms': ['label', 'csv', 'label-file'],
    },
    // Without defaults, so that pipelines of a classification keep their cache keys.
    endpoint: {
      'x-synonyms': ['task', 'task-type', 'outcome', 'target-type'],
      type: 'string',
      enum: ENDPOINTS,
      description:
        'What the labels state. classification (the default): a class. survival: a time and whether the event happened. regression: a number.',
    },
    'time-column': {
      'x-synonyms': ['survival-time', 'time', 'duration', 'duration-column'],
      type: 'string',
      description:
        'Column of the labels with the time to the event or the end of the observation, in any one unit. Only for survival. Default: a column such as os_months, survival_months, OS.time or time.',
    },
    'event-column': {
      'x-synonyms': ['event', 'status-column', 'censorship-column', 'censor-column'],
      type: 'string',
      description:
        'Column of the labels that states whether the event happened at the time. Only for survival. Default: a column such as os_event, os_status, event or vital_status.',
    },
    'event-values': {
      type: 'array',
      minItems: 1,
      items: { type: ['string', 'number', 'boolean'] },
      description:
        'Texts of the event column that mean the event, such as [dead]. Default: 1 and true. Required for a column of censoring, where it is ["0"].',
    },
    'censored-values': {
      type: 'array',
      minItems: 1,
      items: { type: ['string', 'number', 'boolean'] },
      description:
        'Texts of the event column that mean no event until the time, such as [alive]. Default: 0 and false; with `event-values`, the only other text of the column.',
    },
    folds: {
      'x-synonyms': ['k', 'n-folds', 'num-folds', 'k-folds', 'cv'],
      type: 'integer',
      minimum: 2,
      default: 5,
      description: 'Number of folds of each cross-validation.',
    },
    repeats: {
      'x-synonyms': ['n-repeats', 'num-repeats', 'runs', 'times'],
      type: 'integer',
      minimum: 1,
      default: 1,
      description: 'Number of cross-validations. Repeat r uses seed + r.',
    },
    seed: {
      'x-synonyms': ['random-seed', 'random-state', 'rng'],
      type: 'integer',
      minimum: 0,
      default: 2021,
      description: 'Seed of the first repeat.',
    },
    'val-ratio': {
      'x-synonyms': ['val', 'validation', 'val-frac', 'val-fraction', 'validation-split', 'val-size'],
      type: 'number',
      minimum: 0,
      maximum: 0.9,
      default: 0,
      description:
        'Share of the training slides of each class that forms an inner validation set. 0 disables validation.',
    },
    scheme: {
      type: 'string',
      enum: ['stratified', 'reference', 'all'],
      default: 'stratified',
      description:
        'stratified: keeps patients together and balances classes (survival: events and times; regression: values), independent of file order. reference: the published procedure (rows in file order, Python shuffle, stratified folds), only for classes. all: one fold without test slides, for a final model that other cohorts test.',
    },
    'group-column': {
      'x-synonyms': ['patient', 'patients', 'patient-column', 'group', 'groups', 'group-by'],
      type: 'string',
      description:
        'Column of the labels whose equal values stay in one set. none disables grouping. Default: a column such as patient, PatientID, subject_id, submitter_id, mrn or case_id, if the file has one.',
    },
    splits: fileInput(
      'splits',
      'Predefined splits to use instead: JSON (repeats, folds, train, val, test) or CSV (repeat, fold, set, slide_id).',
    ),
    match: {
      type: 'string',
      enum: ['exact', 'contains'],
      default: 'exact',
      description:
        "exact: a row names a slide. contains: a row names a patient, whose name is part of the slides' names as a whole word, the longest if several match (as for TCGA).",
    },
    unmatched: {
      type: 'string',
      enum: ['error', 'drop'],
      default: 'error',
      description:
        'How to handle slides without a label (no row, an empty cell, nan, NA, ...) and labels without a slide. Slides that were skipped or failed earlier are always omitted and reported.',
    },
    'key-column': {
      'x-synonyms': ['slide-column', 'slide-id', 'id-column'],
      type: 'string',
      description: 'Column of the labels with the name of the slide or patient.',
    },
    'label-column': {
      'x-synonyms': ['target', 'label-name'],
      type: 'string',
      description: 'Column of the labels with the class, or the value of a regression.',
    },
    classes: {
      'x-synonyms': ['class-names', 'labels-order'],
      type: 'array',
      items: { type: 'string' },
      description: 'Class names in index order. Of two, the last is the positive one. Default: sorted.',
    },
  },
  required: ['bags', 'labels'],
});

export type SplitWith = WithOf<typeof parameters>;
