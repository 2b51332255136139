import { parameters } from '../../domain/pipeline/report/parameters.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'pipeline.report',
  version: 5,
  summary:
    'One self-contained HTML page and one metrics file of a run: table, curves, heatmaps, timeline, provenance',
  ...parameters,
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
