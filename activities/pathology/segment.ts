import { lackOfSegmenter } from '../../domain/pathology/segment/segmenter-lack.js';
import { SEGMENTER_NAMES } from '../../domain/pathology/segment/segmenters.js';
import { defineActivity, fileInput, fileOutput, type Schema } from '../define/define-activity.js';

const sam = (schema: Schema): Schema => ({ ...schema, description: `${schema.description} SAM only.` });
const share = (value: number, description: string): Schema =>
  sam({ type: 'number', minimum: 0, maximum: 1, default: value, description });
const count = (minimum: number, value: number, description: string): Schema =>
  sam({ type: 'integer', minimum, default: value, description });

export const definition = defineActivity({
  name: 'pathology.segment',
  version: 3,
  summary: 'Tissue of a slide to region masks, by SAM or by a classical method',
  with: {
    slide: fileInput('slide', 'The slide.'),
    patches: fileInput('patches', "The slide's patches: `patches` of pathology.patch."),
    mask: fileInput(
      'mask',
      "The slide's tissue outlines: `mask` of pathology.patch, whose box is the image. Without it the patches file tells the box; patches of other tools, which do not, give the box of the patches.",
    ),
    segmenter: {
      anyOf: [
        { type: 'string', enum: [...SEGMENTER_NAMES] },
        fileInput(
          'segmenter',
          'YAML or JSON file: name, architecture (sam), weights (your own SAM or MobileSAM checkpoint).',
        ),
      ],
      description:
        'Who finds the regions. `sam-vit-h`, `sam-vit-l`, `sam-vit-b`: Segment Anything, `mobile-sam`: MobileSAM, trained on photographs; their weights: `npx sam-mil models fetch`. `watershed`: hierarchical watershed of the stain planes, without weights, not SAM. Or a file that describes your own SAM.',
    },
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
    device: {
      type: 'string',
      enum: ['auto', 'cpu', 'cuda', 'tensorrt'],
      default: 'auto',
      'x-not-in-key': true,
      description:
        'Where SAM computes. One that does not work here is replaced by the CPU, and the log says why.',
    },
    threads: {
      type: 'integer',
      minimum: 1,
      maximum: 256,
      'x-not-in-key': true,
      description: 'CPU threads of SAM. Default: the cores of the host.',
    },
    geojson: {
      type: 'boolean',
      default: false,
      description: 'Write the outlines of the masks for QuPath too: some MB a slide.',
    },
    pickle: {
      type: 'boolean',
      default: true,
      description: "Write the masks as Python's pickle too, as SAM-MIL's scripts read them.",
    },
  },
  required: ['slide', 'patches', 'segmenter'],
  outputs: {
    segments: fileOutput(
      'segments',
      'segments/<name>.h5: masks as run lengths, and the frame of their image.',
    ),
    'segments-pickle': fileOutput(
      'segments-pickle',
      "segments/<name>.pkl: the same as a list of SAM's mask dicts.",
    ),
    'segments-geojson': fileOutput(
      'segments-geojson',
      "segments/<name>.geojson: each mask's outline along its pixels, in level-0 pixels, as detections for QuPath with area and scores. Only with `geojson`.",
    ),
    overlay: fileOutput(
      'overlay',
      'overlays/<name>.jpg: the image, tinted by the smallest mask on each pixel.',
    ),
    count: { type: 'integer', description: 'Number of masks.' },
  },
  queue: 'cpu',
  timeout: '4h',
  heartbeat: '5m',
  isolation: 'child',
  resumesFrom: 'last finished crop (watershed: the start, seconds long)',
  lacks: (parameter, value, { base }) =>
    parameter === 'segmenter' ? lackOfSegmenter(value, base) : undefined,
  hiddenInputs: async (parameters, inputs) => {
    const { keyOfSegmenter, segmenterWithWeights } =
      await import('../../domain/pathology/segment/segmenters.js');
    const { info } = await segmenterWithWeights(inputs.segmenter ?? (parameters.segmenter as string));
    return { segmenter: keyOfSegmenter(info) };
  },
  load: () => import('../../domain/pathology/segment/segment.js'),
});
