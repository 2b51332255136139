import { parameters } from '../../domain/pathology/assemble-cohort/parameters.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'pathology.assemble-cohort',
  version: 1,
  summary:
    'Assembles labeled patches of real tissue into a cohort of small pyramidal slides, half of them with a lesion at a recorded position',
  ...parameters,
  outputs: {
    table: fileOutput(
      'labels',
      'cohort.csv: slide_id, path, label (normal, tumor), patient, annotation; paths are relative to this file.',
    ),
    sources: fileOutput(
      'table',
      'sources.csv: the patches that each patient was made from. No two patients share tissue; all tissue comes from the few slides that the patches were cut from.',
    ),
    count: { type: 'integer', description: 'Number of slides.' },
    tumor: { type: 'integer', description: 'Number of slides with a lesion.' },
    patients: { type: 'integer', description: 'Number of patients. Folds must not split a patient.' },
  },
  queue: 'cpu',
  timeout: '30m',
  heartbeat: '1m',
  stall: '15m',
  isolation: 'child',
  resumesFrom: 'the start (about a second per slide)',
  load: () => import('../../domain/pathology/assemble-cohort/assemble-cohort.js'),
});
