import { fileInput } from '../../activity-schema.js';
import { deviceParameter, threadsParameter } from '../../machine/onnx/device-parameters.js';
import { defineParameters, type WithOf } from '../../parameters.js';
import { segmenterParameters } from './segmenter/segmenter-parameters.js';
import { SEGMENTER_NAMES } from './segmenters.js';

/** Parameters of `pathology.segment`. */
export const parameters = defineParameters({
  with: {
    slide: { ...fileInput('slide', 'The slide.'), 'x-synonyms': ['wsi', 'image', 'path'] },
    patches: {
      ...fileInput('patches', 'Patches of the slide: output `patches` of pathology.patch.'),
      'x-synonyms': ['coords', 'tiles', 'coordinates'],
    },
    mask: fileInput(
      'mask',
      'Tissue outlines of the slide: output `mask` of pathology.patch. Their bounding box is the image. Without outlines the box comes from the patches file or, for files of other tools without one, from the patches themselves.',
    ),
    segmenter: {
      'x-synonyms': ['sam', 'model', 'checkpoint'],
      anyOf: [
        { type: 'string', enum: [...SEGMENTER_NAMES] },
        fileInput(
          'segmenter',
          'YAML or JSON file with name, architecture (sam) and weights (your own SAM or MobileSAM checkpoint).',
        ),
      ],
      description:
        'Segmenter that finds the regions. `sam-vit-h`, `sam-vit-l`, `sam-vit-b` (Segment Anything) and `mobile-sam` (MobileSAM) are trained on photographs; install their weights with `npx sam-mil models fetch`. `watershed` is a hierarchical watershed of the stain planes; it needs no weights and is not SAM. Or a file that describes your own SAM.',
    },
    ...segmenterParameters.with,
    device: deviceParameter('SAM'),
    threads: threadsParameter('CPU threads of SAM. Default: the cores of the host.'),
    geojson: {
      type: 'boolean',
      default: false,
      description: 'Also write the outlines of the masks for QuPath, a few MB per slide.',
    },
    pickle: {
      type: 'boolean',
      default: true,
      description: "Also write the masks as a Python pickle, as SAM-MIL's scripts read them.",
    },
  },
  required: ['slide', 'patches', 'segmenter'],
});

export type SegmentWith = WithOf<typeof parameters>;
