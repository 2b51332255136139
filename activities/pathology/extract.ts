import { parameters } from '../../domain/pathology/extract/parameters.js';
import { lackOfEncoder } from '../../domain/pathology/extract/encoders/encoder-lack.js';
import { defineActivity } from '../define/define-activity.js';
import { bagOutputs, perEncoder } from './bag-outputs.js';
import { findExtractFaults } from '../../domain/pathology/extract/find-faults.js';

export const definition = defineActivity({
  name: 'pathology.extract',
  version: 5,
  summary:
    'Encodes the patches of a slide into a bag of features, with one row per group of patches in a segment',
  ...parameters,
  outputs: {
    ...bagOutputs,
    encoder: {
      type: 'string',
      description:
        'Encoder that was used: `encoder`, or `fallback` if its weights were missing. Names of `encoders` are separated by commas, and so are different providers.',
    },
    provider: { type: 'string', description: 'Device that the encoder ran on: cpu, cuda or tensorrt.' },
    'provider-reason': {
      type: 'string',
      description: 'Why this device was used: what ruled out the requested or a faster one.',
    },
  },
  outputsPer: { parameter: 'encoders', outputs: perEncoder },
  queue: 'cpu',
  timeout: '12h',
  heartbeat: '5m',
  stall: '30m',
  isolation: 'child',
  requires: ['openslide', 'onnx'],
  usesGpu: async ({ device }) =>
    device !== 'cpu' && (await import('../../domain/machine/onnx/expects-gpu.js')).expectsGpu(),
  resumesFrom: 'last committed batch',
  findMissing: (parameter, value, { base, given }) => {
    if (parameter !== 'encoder' && !parameter.startsWith('encoders')) return undefined;
    const lack = lackOfEncoder(value, base);
    if (lack?.next === undefined || lack.wrong || !given.has('fallback')) return lack;
    return { ...lack, next: `${lack.next}; until then \`fallback\` is used` };
  },
  check: async (step) => (await import('../../domain/pathology/extract/check-extract.js')).checkExtract(step),
  findFaults: findExtractFaults,
  hiddenInputs: async (parameters, inputs) => {
    const { encoderKeys } = await import('../../domain/pathology/extract/encoder-keys.js');
    return encoderKeys(parameters, inputs);
  },
  load: () => import('../../domain/pathology/extract/extract.js'),
});
