import { parameters } from '../../domain/pipeline/report/parameters.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'pipeline.report',
  version: 10,
  summary:
    'Writes a self-contained HTML page and a metrics file for a run: ranking, tests, errors, curves, pictures, resources, provenance',
  ...parameters,
  outputs: {
    report: fileOutput('report', 'report.html: a single file that loads nothing from the network.'),
    metrics: fileOutput(
      'summary',
      'metrics.json: the table, comparisons and lesion scores, with digests of their sources.',
    ),
    folds: { type: 'integer', description: 'Number of evaluated folds.' },
    groups: { type: 'array', description: 'Rows of the table.' },
    auc: { type: 'object', description: 'Mean AUC over the repeats, per group of a classification.' },
    concordance: {
      type: 'object',
      description: 'Mean concordance (Harrell) over the repeats, per group. Only for survival.',
    },
    rmse: { type: 'object', description: 'Mean RMSE over the repeats, per group. Only for regression.' },
  },
  queue: 'cpu',
  timeout: '30m',
  heartbeat: '2m',
  stall: '30m',
  isolation: 'child',
  keptByRun: true,
  resumesFrom: 'the start (takes seconds)',
  load: () => import('../../domain/pipeline/report/report.js'),
});
