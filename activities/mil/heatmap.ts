import { reads } from '../../domain/mil/heatmap/reads.js';
import { parameters } from '../../domain/mil/heatmap/parameters.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';
import { modelsUsed } from '../../domain/mil/models/checkpoint-model.js';

export const definition = defineActivity({
  name: 'mil.heatmap',
  version: 8,
  summary:
    'Draws the score of every patch over the slide: images, HDF5, GeoJSON, and how well scores find an annotated lesion',
  ...parameters,
  reads,
  checkItems: async (items, all) => {
    const { checkOutlines } = await import('../../domain/pathology/annotations/check-outlines.js');
    return checkOutlines(items, all, [
      { name: 'annotation', purpose: 'lesion', classes: ['classes'], excludeClasses: 'exclude-classes' },
    ]);
  },
  modelsUsed,
  outputs: {
    scores: fileOutput(
      'scores',
      'scores/<slide>.h5: scores (N) with the attributes score and class, coords (N x 2, level 0).',
    ),
    overlay: fileOutput(
      'picture',
      'overlays/<slide>.jpg: high scores in cyan, the annotation outlined in blue.',
    ),
    'overlay-map': fileOutput(
      'picture',
      'overlay_maps/<slide>.jpg: all scores in a perceptual color map over a gray slide. The ImageDescription of both pictures names what is shown.',
    ),
    thumbnail: fileOutput('picture', 'thumbnails/<slide>.jpg: the slide with its annotation.'),
    geojson: fileOutput(
      'geojson',
      'geojson/<slide>.geojson: patches with their scores, for QuPath: `attention`, or `probability of <class>`.',
    ),
    score: { type: 'string', description: 'attention or class-probability.' },
    class: { type: 'string', description: 'Class whose probability is shown. Absent for attention.' },
    scale: { type: 'string', description: 'How scores were mapped to colors: rank, range or none.' },
    colormap: { type: 'string', description: 'Color map of overlay-map.' },
    patches: { type: 'integer', description: 'Number of scored patches.' },
    probability: {
      type: 'number',
      description:
        'Probability for the whole slide of the shown class or, with attention, of the last class. Only of a classification.',
    },
    risk: { type: 'number', description: 'Risk of the whole slide. Only of survival by hazards.' },
    'log-hazard': {
      type: 'number',
      description: 'Log hazard of the whole slide. Only of one checkpoint of a Cox model.',
    },
    predicted: { type: 'number', description: 'Value of the whole slide. Only of regression.' },
    'lesion-auc': {
      type: ['number', 'null'],
      description:
        'AUC of the scores against membership in the annotation (at least half of the patch inside). null without an annotation, or if it covers no patch or all.',
    },
    annotated: {
      type: 'object',
      description:
        'Regions of the annotation by class: `counted` as lesion, `cut-out` of it, and `left-out`. Absent without an annotation.',
    },
    'lesion-patches': { type: 'integer', description: 'Number of patches in the annotation.' },
    'lesion-share': { type: 'number', description: 'Share of all patches that are in the annotation.' },
    'score-in-lesion': {
      type: 'number',
      description: 'Share of the total score on patches in the annotation. Chance level: lesion-share.',
    },
    set: {
      type: 'string',
      description: 'Set of this slide in training: train, val or test. Absent if unknown.',
    },
    label: { type: 'string', description: 'Class of the slide in the splits.' },
  },
  queue: 'gpu',
  timeout: '2h',
  heartbeat: '2m',
  stall: '30m',
  isolation: 'child',
  requires: ['tensorflow', 'openslide'],
  resumesFrom: 'the start (seconds per slide)',
  load: () => import('../../domain/mil/heatmap/heatmap.js'),
});
