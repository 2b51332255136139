import { fileInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';
import { BAG_LAYOUTS } from '../features/bag-layout.js';

/** Parameters of `pathology.convert`. */
export const parameters = defineParameters({
  with: {
    features: fileInput(
      'bag',
      "A slide's features: h5 of CLAM, TRIDENT (N x D or 1 x N x D), SAM-MIL or this project, or a .pt that is one tensor; float16, bfloat16 and float64 become float32.",
    ),
    patches: fileInput(
      'patches',
      "The slide's patches file (h5) of CLAM or TRIDENT. Needed with a .pt; beside CLAM's h5 it tells the size of the patches.",
    ),
    segments: {
      anyOf: [
        fileInput('segments', 'h5 of pathology.segment.'),
        fileInput(
          'segments-pickle',
          "The SAM-MIL scripts' pickle, ending in .pkl. Nothing of it is executed.",
        ),
      ],
      description:
        "The slide's masks: an h5 of pathology.segment, or a .pkl of the SAM-MIL scripts. Without them there are no groups, and every relative area is 1.",
    },
    'sam-info': fileInput(
      'sam-info',
      'sam_info of features that hold group rows already (at -1, -1): these and the areas are kept. Without it such features are refused, unless `group-features` is false.',
    ),
    'process-list': {
      ...fileInput(
        'process-list',
        'process_list_autogen.csv: the slide must be in it. Left out are slides with process 0 that no run finished, with no_tissue, or that failed. Only slides whose row comes to mean something else run again.',
      ),
      'x-not-in-key': true,
    },
    'patch-size-level0': {
      type: 'integer',
      minimum: 1,
      description:
        'Side of a patch in level-0 pixels, where the files do not say. What they do say, and the distances of the coords, must fit.',
    },
    'step-size': {
      type: 'integer',
      minimum: 1,
      description:
        'Distance of neighboring patches in level-0 pixels. Default: `patch-size-level0`, no overlap.',
    },
    'segments-downsample': {
      type: 'number',
      exclusiveMinimum: 0,
      description:
        'Level-0 pixels to one pixel of the segmented image. Default: what the box and the size of the image tell.',
    },
    'slide-magnification': {
      type: 'number',
      exclusiveMinimum: 0,
      description: 'Objective power of level 0. Only for `layout: trident`, where no file says it.',
    },
    'group-features': {
      type: 'boolean',
      description:
        'Whether the bag has group rows: the mean of the features of each mask with members. Default: true where there are groups, false with `layout: trident`.',
    },
    layout: {
      type: 'string',
      enum: [...BAG_LAYOUTS],
      default: 'clam',
      description:
        "Names and attributes of the h5 file. `trident`: features_<encoder>/<name>.h5 with TRIDENT's attributes, and group rows only where `group-features` asks for them.",
    },
  },
  required: ['features'],
});

export type ConvertWith = WithOf<typeof parameters>;
