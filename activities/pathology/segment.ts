import { parameters } from '../../domain/pathology/segment/parameters.js';
import { lackOfSegmenter } from '../../domain/pathology/segment/segmenter-lack.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'pathology.segment',
  version: 4,
  summary: 'Segments the tissue of a slide into region masks with SAM or a classical method',
  ...parameters,
  outputs: {
    segments: fileOutput(
      'segments',
      'segments/<name>.h5: run-length encoded masks, and the frame of their image.',
    ),
    'segments-pickle': fileOutput(
      'segments-pickle',
      "segments/<name>.pkl: the same masks as a list of SAM's mask dicts.",
    ),
    'segments-geojson': fileOutput(
      'segments-geojson',
      'segments/<name>.geojson: the outline of each mask along its pixels, in level-0 pixels, as QuPath detections with area and scores. Only with `geojson`.',
    ),
    overlay: fileOutput(
      'overlay',
      'overlays/<name>.jpg: the image, with each pixel tinted by its smallest mask.',
    ),
    count: { type: 'integer', description: 'Number of masks.' },
  },
  queue: 'cpu',
  timeout: '4h',
  heartbeat: '5m',
  stall: '1h',
  isolation: 'child',
  requires: ['openslide', 'onnx'],
  usesGpu: async ({ device, segmenter }) =>
    device !== 'cpu' &&
    segmenter !== 'watershed' &&
    (await import('../../domain/machine/onnx/expects-gpu.js')).expectsGpu(),
  resumesFrom: 'last finished crop (watershed: the start, takes seconds)',
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
