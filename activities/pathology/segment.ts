import { parameters } from '../../domain/pathology/segment/parameters.js';
import { lackOfSegmenter } from '../../domain/pathology/segment/segmenter-lack.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'pathology.segment',
  version: 3,
  summary: 'Tissue of a slide to region masks, by SAM or by a classical method',
  ...parameters,
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
  requires: ['openslide', 'onnx'],
  resumesFrom: 'last finished crop (watershed: the start, seconds long)',
  findMissing: (parameter, value, { base }) =>
    parameter === 'segmenter' ? lackOfSegmenter(value, base) : undefined,
  hiddenInputs: async (parameters, inputs) => {
    const { keyOfSegmenter, segmenterWithWeights } =
      await import('../../domain/pathology/segment/segmenters.js');
    const { info } = await segmenterWithWeights(inputs.segmenter ?? (parameters.segmenter as string));
    return { segmenter: keyOfSegmenter(info) };
  },
  load: () => import('../../domain/pathology/segment/segment.js'),
});
