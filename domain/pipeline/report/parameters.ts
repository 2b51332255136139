import { itemsInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

/** Parameters of `pipeline.report`. */
export const parameters = defineParameters({
  with: {
    evaluations: {
      ...itemsInput(
        'metrics',
        'Items of the mil.evaluate stage. Without them the page shows only the slides and the run.',
      ),
      'x-synonyms': ['runs', 'metrics', 'results'],
    },
    predictions: {
      ...itemsInput(
        'predictions',
        'Items of the mil.predict stage: what a model predicts for another cohort, with or without labels.',
      ),
      'x-synonyms': ['predicted'],
    },
    slides: {
      ...itemsInput(
        'any',
        'Items with pictures of the preprocessing (mask-image, stitch-image, overlay) as outputs.',
      ),
      'x-synonyms': ['images', 'pictures'],
    },
    heatmaps: itemsInput('scores', 'Items of the mil.heatmap stage.'),
    'group-by': {
      'x-synonyms': ['groups', 'group', 'by'],
      type: ['string', 'array'],
      items: { type: 'string' },
      default: 'model',
      description:
        'Matrix value, or list of them, that defines a row of the table. A name that no evaluation has is refused. Values that a cell does not have are omitted from the name of the row. Rows are also split by other matrix values on which evaluations of one row would differ.',
    },
    compare: {
      type: 'string',
      enum: ['first', 'all', 'none'],
      default: 'first',
      description:
        'Paired tests (DeLong for two classes, otherwise bootstrap): each group with the first one, all pairs, or none.',
    },
    'compare-by': {
      type: 'string',
      description:
        'Field of group-by that may differ between two compared groups; all others must be equal. Absent: any field may differ.',
    },
    sweep: {
      'x-synonyms': ['sweeps', 'vary'],
      type: ['string', 'array'],
      items: { type: 'string' },
      description:
        'Matrix values that were swept: each gets a chart of AUC and F1 over its values. A name that no evaluation has is refused.',
    },
    title: {
      'x-synonyms': ['name', 'heading'],
      type: 'string',
      description: 'Heading of the page. Absent: the models and the number of slides.',
    },
    notes: {
      'x-synonyms': ['note', 'text', 'description'],
      type: ['string', 'array'],
      items: { type: 'string' },
      description: 'What a reader must know before believing a number; shown at the top.',
    },
  },
  required: [],
});

export type ReportWith = WithOf<typeof parameters>;
