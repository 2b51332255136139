import { fileInput, itemsInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';
import { classesParameter, excludeClassesParameter } from '../../pathology/annotations/class-parameters.js';
import { BACKEND } from '../compute/backend-parameter.js';

/** Parameters of `mil.heatmap`. */
export const parameters = defineParameters({
  with: {
    checkpoint: {
      ...fileInput('checkpoint', 'Checkpoint of mil.train-fold. Set either this or `checkpoints`.'),
      'x-synonyms': ['weights', 'ckpt', 'model', 'model-path'],
    },
    checkpoints: itemsInput(
      'checkpoint',
      'Items of one model of mil.train-fold. Each slide uses the fold whose test set contains it, so that no heatmap shows a training slide. Without `splits`, for slides of another cohort: the mean over all checkpoints.',
    ),
    repeat: {
      type: 'integer',
      minimum: 0,
      default: 0,
      description: 'Repeat of the cross-validation from which `checkpoints` are taken.',
    },
    slide: { ...fileInput('slide', 'The slide.'), 'x-synonyms': ['wsi', 'image'] },
    bag: {
      ...fileInput('bag', 'Features file (h5) of the slide, with coords.'),
      'x-synonyms': ['features', 'h5'],
    },
    'sam-info': fileInput('sam-info', 'sam_info file of the slide, for models that use group rows or areas.'),
    annotation: {
      ...fileInput(
        'annotation',
        'Outlines of the lesion: GeoJSON of QuPath, ASAP XML or ImageScope XML, or a folder with such files named after the slides. A slide without a file is normal.',
      ),
      'x-synonyms': ['annotations', 'mask', 'xml', 'geojson'],
    },
    classes: classesParameter(
      'Classes of the annotation that are the lesion, such as [Tumor]. Default: those whose name says so (tumor, lesion, metastasis, carcinoma, ...); if none does, all except exclusions and known others (Stroma, Tissue, Region*, ...).',
    ),
    'exclude-classes': excludeClassesParameter(
      'Classes that are cut out of the lesion. Default: those whose name says so (Ignore*, Exclusion, _2, normal).',
    ),
    splits: fileInput('splits', 'splits.json of the training, which states the set of this slide.'),
    score: {
      type: 'string',
      enum: ['attention', 'class-probability'],
      default: 'attention',
      description:
        'attention: how much each patch contributes to the result of the slide; for models with one attention per class, to that of the last class. class-probability: the probability of a class for the patch alone.',
    },
    class: {
      type: 'string',
      description:
        'Name in the splits of the class whose probability is shown. Default: the positive class, which is the last one. Only for `score: class-probability`.',
    },
    scale: {
      type: 'string',
      enum: ['rank', 'range', 'none'],
      description:
        'How scores are mapped to colors. rank: by rank within the slide (default for attention). range: from minimum to maximum. none: unscaled, 0 to 1 (default for probabilities).',
    },
    smooth: {
      'x-synonyms': ['blur', 'overlap'],
      type: 'boolean',
      default: true,
      description: 'Whether to average the scores where patches overlap. If false, the last patch is on top.',
    },
    colormap: {
      'x-synonyms': ['cmap', 'color-map', 'colour-map'],
      type: 'string',
      enum: ['viridis', 'magma'],
      default: 'viridis',
      description: 'Color map of overlay-map.',
    },
    longest: {
      'x-synonyms': ['size', 'width', 'max-size'],
      type: 'integer',
      minimum: 128,
      maximum: 8192,
      default: 1200,
      description: 'Longer side of the images in pixels. A smaller slide is not enlarged.',
    },
    'patch-size-level0': {
      type: 'integer',
      minimum: 1,
      description:
        'Side of a patch in level-0 pixels. Overrides the value in the bag; required if the bag does not state it.',
    },
    backend: BACKEND,
  },
  required: ['slide', 'bag'],
});

export type HeatmapWith = WithOf<typeof parameters>;
