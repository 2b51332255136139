import { parameters } from '../../domain/mil/import-checkpoint/parameters.js';
import { readHead } from '../../domain/mil/models/checkpoint-model.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'mil.import-checkpoint',
  version: 1,
  summary: 'Takes a trained model of another work folder, for mil.predict and mil.heatmap',
  ...parameters,
  check: async ({ with: { checkpoint } }) => {
    if (typeof checkpoint === 'string') readHead(checkpoint);
    return {};
  },
  outputs: {
    checkpoint: fileOutput('checkpoint', 'checkpoints/<item>.safetensors (or .pt): a copy.'),
    model: { type: 'string', description: 'Name of the model.' },
    classes: { type: 'array', description: 'Class names in index order.' },
    repeat: { type: ['integer', 'null'], description: 'Repeat of its training, if stated.' },
    fold: { type: ['integer', 'null'], description: 'Fold of its training, if stated.' },
  },
  queue: 'cpu',
  timeout: '10m',
  heartbeat: '1m',
  stall: '10m',
  isolation: 'child',
  resumesFrom: 'the start (takes a second)',
  load: () => import('../../domain/mil/import-checkpoint/import-checkpoint.js'),
});
