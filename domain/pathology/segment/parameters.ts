import { fileInput } from '../../activity-schema.js';
import { defineParameters, type WithOf } from '../../parameters.js';
import { segmenterParameters } from './segmenter/segmenter-parameters.js';
import { SEGMENTER_NAMES } from './segmenters.js';

/** Parameters of `pathology.segment`. */
export const parameters = defineParameters({
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
    ...segmenterParameters.with,
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
});

export type SegmentWith = WithOf<typeof parameters>;
