import type { ValueSchema } from '../../../activity-schema.js';
import { defineParameters, type WithOf } from '../../../parameters.js';

const sam = <const Schema extends ValueSchema>(schema: Schema) => ({
  ...schema,
  description: `${schema.description} SAM only.`,
});
const share = (value: number, description: string) =>
  sam({ type: 'number', minimum: 0, maximum: 1, default: value, description });
const count = (minimum: number, value: number, description: string) =>
  sam({ type: 'integer', minimum, default: value, description });

/** Parameters of segmenters, named as in SAM. */
export const segmenterParameters = defineParameters({
  with: {
    regions: {
      type: 'array',
      items: { type: 'integer', minimum: 1, maximum: 5000 },
      default: [10, 40, 130],
      description:
        'Number of regions at each level of the hierarchy; masks of all levels are kept. Pieces of tissue that do not touch come on top. `watershed` only.',
    },
    'min-mask-region-area': {
      type: 'integer',
      minimum: 0,
      default: 0,
      description: 'Least area of a mask, and of holes and islands that SAM removes, in pixels of the image.',
    },
    'points-per-side': count(1, 32, 'Points of the grid along each side of the image.'),
    'points-per-batch': {
      ...count(1, 64, 'Points computed at once: memory against speed.'),
      'x-not-in-key': true,
    },
    'pred-iou-thresh': share(
      0.6,
      'Masks whose predicted quality is not above this are dropped; 0 keeps all.',
    ),
    'stability-score-thresh': share(
      0.6,
      'Masks less stable than this under a shifted threshold are dropped; 0 keeps all that have a pixel.',
    ),
    'stability-score-offset': sam({
      type: 'number',
      minimum: 0,
      default: 1,
      description: 'The shift of the threshold.',
    }),
    'crop-n-layers': count(0, 1, 'Layers of crops beside the whole image: layer i has 4^i crops.'),
    'crop-n-points-downscale-factor': count(
      1,
      2,
      'By how much the point grid thins out from layer to layer.',
    ),
    'crop-overlap-ratio': share(512 / 1500, "Overlap of crops, as a share of the image's shorter side."),
    'box-nms-thresh': share(0.7, 'Box overlap above which the worse of two masks of a crop is dropped.'),
    'crop-nms-thresh': share(0.7, 'Likewise between crops.'),
  },
  required: [],
});

/** Parameters of `pathology.segment` with SAM's names; a segmenter uses those that mean something to it. */
export type SegmentParameters = WithOf<typeof segmenterParameters>;
