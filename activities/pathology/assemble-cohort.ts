import { defineActivity, fileInput, fileOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'pathology.assemble-cohort',
  version: 1,
  summary:
    'Labelled patches of real tissue to a cohort of small pyramidal slides, half of them with a lesion at a recorded place',
  with: {
    patches: fileInput(
      'patch-folder',
      'Folder with normal/ and tumor/: 256 x 256 JPEG or PNG files named class_slide_x_y.',
    ),
    slides: {
      type: 'integer',
      minimum: 2,
      maximum: 999,
      default: 24,
      description: 'Slides to assemble; every second one has a lesion.',
    },
    seed: {
      type: 'integer',
      minimum: 0,
      default: 2021,
      description: 'Seed of places, shapes and stainings.',
    },
    grid: {
      type: 'integer',
      minimum: 4,
      maximum: 32,
      default: 8,
      description: 'Patches across the tissue: 8 gives slides of about 2500 x 2500 pixels.',
    },
  },
  required: ['patches'],
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
