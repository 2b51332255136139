import { parameters } from '../../domain/pathology/assemble-cohort/parameters.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'pathology.assemble-cohort',
  version: 1,
  summary:
    'Labelled patches of real tissue to a cohort of small pyramidal slides, half of them with a lesion at a recorded place',
  ...parameters,
  outputs: {
    table: fileOutput(
      'labels',
      'cohort.csv: slide_id, path, label (normal, tumor), patient, annotation; paths are relative to it.',
    ),
    sources: fileOutput(
      'table',
      'sources.csv: which patient was made of which patches. No two share tissue; all come from the few slides the patches were cut from.',
    ),
    count: { type: 'integer', description: 'Number of slides.' },
    tumor: { type: 'integer', description: 'Number of slides with a lesion.' },
    patients: { type: 'integer', description: 'Number of patients: what folds must keep whole.' },
  },
  queue: 'cpu',
  timeout: '30m',
  heartbeat: '1m',
  isolation: 'child',
  resumesFrom: 'the start (about a second a slide)',
  load: () => import('../../domain/pathology/assemble-cohort/assemble-cohort.js'),
});
