import { defineActivity, fileInput, fileOutput, itemsInput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'mil.heatmap',
  version: 5,
  summary:
    'Scores of every patch over the slide: pictures, HDF5, GeoJSON, and how well they find an annotated lesion',
  with: {
    checkpoint: fileInput('checkpoint', 'Checkpoint of mil.train-fold. This or `checkpoints`.'),
    checkpoints: itemsInput(
      'checkpoint',
      'Items of one model of mil.train-fold: each slide is shown by the fold that it tested, so that no heatmap shows what was trained on. Needs `splits`.',
    ),
    repeat: {
      type: 'integer',
      minimum: 0,
      default: 0,
      description: 'Repeat of the cross-validation that `checkpoints` are taken from.',
    },
    slide: fileInput('slide', 'The slide.'),
    bag: fileInput('bag', 'Its features file (h5), with coords.'),
    'sam-info': fileInput('sam-info', 'Its sam_info file, for models that look at group rows or areas.'),
    annotation: fileInput(
      'annotation',
      'Outlines of the lesion, ASAP XML or GeoJSON. A slide without one is normal.',
    ),
    splits: fileInput('splits', 'splits.json of the training: states which set this slide was in.'),
    score: {
      type: 'string',
      enum: ['attention', 'class-probability'],
      default: 'attention',
      description:
        'attention: how much each patch counts for the slide. class-probability: what the classifier says of the patch alone.',
    },
    class: {
      type: 'string',
      description:
        'Class whose probability is shown, by its name in the splits. Default: the positive class, the last one. Only for `score: class-probability`.',
    },
    scale: {
      type: 'string',
      enum: ['rank', 'range', 'none'],
      description:
        'How scores become colors. rank: by rank within the slide (default for attention). range: least to most. none: as they are, 0 to 1 (default for probabilities).',
    },
    smooth: {
      type: 'boolean',
      default: true,
      description: 'Average the scores where patches overlap; without it the last patch lies on top.',
    },
    colormap: {
      type: 'string',
      enum: ['viridis', 'magma'],
      default: 'viridis',
      description: 'Color map of overlay-map.',
    },
    longest: {
      type: 'integer',
      minimum: 128,
      maximum: 8192,
      default: 1200,
      description: 'Longer side of the pictures in pixels; a smaller slide is not enlarged.',
    },
    'patch-size-level0': {
      type: 'integer',
      minimum: 1,
      description: 'Side of a patch in level-0 pixels, where the bag does not say it.',
    },
    backend: {
      type: 'string',
      enum: ['auto', 'tensorflow', 'js'],
      default: 'auto',
      description: 'Where the model runs; see mil.train-fold.',
    },
  },
  required: ['slide', 'bag'],
  outputs: {
    scores: fileOutput('scores', 'scores/<slide>.h5: scores (N), coords (N x 2, level 0).'),
    overlay: fileOutput('picture', 'overlays/<slide>.jpg: high scores in cyan, annotation outlined in blue.'),
    'overlay-map': fileOutput(
      'picture',
      'overlay_maps/<slide>.jpg: all scores in a perceptual color map over the gray slide.',
    ),
    thumbnail: fileOutput('picture', 'thumbnails/<slide>.jpg: the slide with its annotation.'),
    geojson: fileOutput('geojson', 'geojson/<slide>.geojson: patches with their score, for QuPath.'),
    score: { type: 'string', description: 'attention or class-probability.' },
    class: { type: 'string', description: 'Class whose probability is shown; absent for attention.' },
    scale: { type: 'string', description: 'How scores became colors: rank, range or none.' },
    colormap: { type: 'string', description: 'Color map of overlay-map.' },
    patches: { type: 'integer', description: 'Patches scored.' },
    probability: { type: 'number', description: 'Probability of the last class for the whole slide.' },
    'lesion-auc': {
      type: ['number', 'null'],
      description:
        'AUC of the scores against lying in the annotation (half the patch or more); null without one.',
    },
    'lesion-patches': { type: 'integer', description: 'Patches in the annotation.' },
    'lesion-share': { type: 'number', description: 'Their share of all patches.' },
    'score-in-lesion': {
      type: 'number',
      description: 'Share of all score mass on them; chance would give lesion-share.',
    },
    set: {
      type: 'string',
      description: 'train, val or test: where this slide was in training; absent where not known.',
    },
    label: { type: 'string', description: 'Class of the slide in the splits.' },
  },
  queue: 'gpu',
  timeout: '2h',
  heartbeat: '2m',
  isolation: 'child',
  resumesFrom: 'the start (seconds a slide)',
  load: () => import('../../domain/mil/heatmap/heatmap.js'),
});
