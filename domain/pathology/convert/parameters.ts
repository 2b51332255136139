import { fileInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';
import { STORED_FLOATS } from '../../files/half-float.js';
import { BAG_LAYOUTS } from '../features/bag-layout.js';

/** Parameters of `pathology.convert`. */
export const parameters = defineParameters({
  with: {
    features: {
      ...fileInput(
        'bag',
        'Features of a slide: an h5 file of CLAM, TRIDENT (N x D or 1 x N x D), SAM-MIL or this project, or a .pt file with a single tensor. float16, bfloat16 and float64 are converted to float32, or to `store`.',
      ),
      'x-synonyms': ['bag', 'h5', 'pt', 'embeddings'],
    },
    patches: {
      ...fileInput(
        'patches',
        "The slide's patches file (h5) of CLAM or TRIDENT. Required with a .pt file; with CLAM's h5 file it provides the patch size.",
      ),
      'x-synonyms': ['coords', 'tiles', 'coordinates'],
    },
    segments: {
      'x-synonyms': ['masks', 'segmentation'],
      anyOf: [
        fileInput('segments', 'h5 of pathology.segment.'),
        fileInput('segments-pickle', 'Pickle of the SAM-MIL scripts, ending in .pkl. It is never executed.'),
      ],
      description:
        'Masks of the slide: an h5 file of pathology.segment, or a .pkl file of the SAM-MIL scripts. Without masks there are no groups, and every relative area is 1.',
    },
    'sam-info': fileInput(
      'sam-info',
      'sam_info file of features that already contain group rows (at -1, -1); the rows and areas are kept. Such features are refused without it, unless `group-features` is false.',
    ),
    'process-list': {
      ...fileInput(
        'process-list',
        'process_list_autogen.csv, which must list the slide. Slides with no_tissue, failed slides, and slides with process 0 that no run finished are skipped. Only slides whose row changes the result run again.',
      ),
      'x-not-in-key': true,
    },
    'patch-size-level0': {
      type: 'integer',
      minimum: 1,
      description:
        'Side of a patch in level-0 pixels, if the files do not state it. It must agree with the files and with the spacing of the coords.',
    },
    'step-size': {
      'x-synonyms': ['stride', 'step', 'overlap'],
      type: 'integer',
      minimum: 1,
      description:
        'Distance between neighboring patches in level-0 pixels. Default: `patch-size-level0`, no overlap.',
    },
    'segments-downsample': {
      type: 'number',
      exclusiveMinimum: 0,
      description:
        'Level-0 pixels per pixel of the segmented image. Default: derived from the box and the size of the image.',
    },
    'slide-magnification': {
      'x-synonyms': ['mag', 'magnification', 'objective'],
      type: 'number',
      exclusiveMinimum: 0,
      description: 'Objective power of level 0. Only for `layout: trident`, if no file states it.',
    },
    'group-features': {
      type: 'boolean',
      description:
        'Whether the bag has group rows: the mean of the member features of each mask. Default: true if there are groups, false with `layout: trident`.',
    },
    store: {
      'x-synonyms': ['feature-dtype', 'store-dtype', 'save-dtype'],
      type: 'string',
      enum: [...STORED_FLOATS],
      description:
        'Element type of the features in the files of the bag. Default: float32. `float16` halves their size.',
    },
    layout: {
      'x-synonyms': ['format'],
      type: 'string',
      enum: [...BAG_LAYOUTS],
      default: 'clam',
      description:
        "Names and attributes of the h5 file. `trident`: features_<encoder>/<name>.h5 with TRIDENT's attributes, and group rows only if `group-features` is true.",
    },
  },
  required: ['features'],
});

export type ConvertWith = WithOf<typeof parameters>;
