import { defineActivity, fileOutput, itemsInput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'pipeline.report',
  version: 5,
  summary:
    'One self-contained HTML page and one metrics file of a run: table, curves, heatmaps, timeline, provenance',
  with: {
    evaluations: itemsInput(
      'metrics',
      'Items of the mil.evaluate stage. Without them the page shows slides and the run alone.',
    ),
    slides: itemsInput(
      'any',
      'Items with pictures of the preprocessing (mask-image, stitch-image, overlay) as outputs.',
    ),
    heatmaps: itemsInput('scores', 'Items of the mil.heatmap stage.'),
    'group-by': {
      type: ['string', 'array'],
      items: { type: 'string' },
      default: 'model',
      description:
        'Matrix value, or list of them, that makes a line of the table. What a cell lacks is left out of its name.',
    },
    compare: {
      type: 'string',
      enum: ['first', 'all', 'none'],
      default: 'first',
      description: 'Paired DeLong tests: each group with the first one, all pairs, or none.',
    },
    'compare-by': {
      type: 'string',
      description:
        'Field of group-by that may differ between two compared groups, all others being equal. Absent: any may.',
    },
    sweep: {
      type: ['string', 'array'],
      items: { type: 'string' },
      description: 'Matrix values that were swept: each gets a chart of AUC and F1 over its values.',
    },
    title: { type: 'string', default: 'Report', description: 'Heading of the page.' },
    notes: {
      type: ['string', 'array'],
      items: { type: 'string' },
      description: 'What a reader must know before believing a number; shown at the top.',
    },
  },
  required: [],
  outputs: {
    report: fileOutput('report', 'report.html: one file, nothing fetched.'),
    metrics: fileOutput(
      'summary',
      'metrics.json: the table, comparisons and lesion scores, with digests of their sources.',
    ),
    folds: { type: 'integer', description: 'Evaluated folds.' },
    groups: { type: 'array', description: 'Lines of the table.' },
    auc: { type: 'object', description: 'Mean AUC over the repeats, a group.' },
  },
  queue: 'cpu',
  timeout: '30m',
  heartbeat: '2m',
  isolation: 'child',
  resumesFrom: 'the start (seconds long)',
  load: () => import('../../domain/pipeline/report/report.js'),
});
