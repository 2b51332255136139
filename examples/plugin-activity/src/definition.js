import { defineActivity, fileInput, fileOutput } from 'sam-mil/plugin';

/** Light, because every check of a pipeline loads it. The implementation loads only where it runs. */
export const definition = defineActivity({
  name: 'nuclei.density',
  version: 1,
  summary: 'Share of dark pixels in each patch, a rough measure of how dense the nuclei are',
  with: {
    slide: fileInput('slide', 'The slide.'),
    patches: fileInput('patches', 'Patches of the same slide.'),
    threshold: {
      type: 'number',
      default: 0.3,
      minimum: 0,
      maximum: 2,
      description: 'Mean optical density above which a pixel counts.',
    },
  },
  required: ['slide', 'patches'],
  outputs: {
    density: fileOutput(
      'density',
      'density/<slide>.h5: `density`, float32 N; `coords`, int64 N x 2, level-0 pixels.',
    ),
    mean: { type: 'number', description: 'Mean over the patches.' },
  },
  queue: 'cpu',
  timeout: '1h',
  heartbeat: '1m',
  stall: '10m',
  isolation: 'child',
  requires: ['openslide'],
  resumesFrom: 'the start',
  load: () => import('./density.js'),
});
