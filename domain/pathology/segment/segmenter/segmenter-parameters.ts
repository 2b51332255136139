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
        'Number of regions at each level of the hierarchy; masks of all levels are kept. Disconnected pieces of tissue add to this number. `watershed` only.',
    },
    'min-mask-region-area': {
      type: 'integer',
      minimum: 0,
      default: 0,
      description: 'Minimum area of a mask in pixels of the image; SAM removes smaller holes and islands.',
    },
    'points-per-side': count(1, 32, 'Number of grid points along each side of the image.'),
    'points-per-batch': {
      ...count(1, 64, 'Number of points computed at once; more is faster but uses more memory.'),
      'x-not-in-key': true,
    },
    'pred-iou-thresh': share(0.6, 'Drop masks whose predicted quality is not above this; 0 keeps all.'),
    'stability-score-thresh': share(
      0.6,
      'Drop masks less stable than this under a shifted threshold; 0 keeps all that have a pixel.',
    ),
    'stability-score-offset': sam({
      type: 'number',
      minimum: 0,
      default: 1,
      description: 'Shift of the threshold for the stability score.',
    }),
    'crop-n-layers': count(
      0,
      1,
      'Number of crop layers in addition to the whole image; layer i has 4^i crops.',
    ),
    'crop-n-points-downscale-factor': count(
      1,
      2,
      'Factor by which the point grid becomes coarser from layer to layer.',
    ),
    'crop-overlap-ratio': share(512 / 1500, "Overlap of crops, as a fraction of the image's shorter side."),
    'box-nms-thresh': share(0.7, 'Box overlap above which the worse of two masks in a crop is dropped.'),
    'crop-nms-thresh': share(
      0.7,
      'Box overlap above which the worse of two masks in different crops is dropped.',
    ),
  },
  required: [],
});

/** Parameters of `pathology.segment` with SAM's names; a segmenter ignores those that do not apply to it. */
export type SegmentParameters = WithOf<typeof segmenterParameters>;
