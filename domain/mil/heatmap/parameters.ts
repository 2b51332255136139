import { fileInput, itemsInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';

/** Parameters of `mil.heatmap`. */
export const parameters = defineParameters({
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
});

export type HeatmapWith = WithOf<typeof parameters>;
