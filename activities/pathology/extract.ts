import { parameters } from '../../domain/pathology/extract/parameters.js';
import { lackOfEncoder } from '../../domain/pathology/extract/encoders/encoder-lack.js';
import { defineActivity } from '../define/define-activity.js';
import { bagOutputs } from './bag-outputs.js';

export const definition = defineActivity({
  name: 'pathology.extract',
  version: 4,
  summary:
    'Encodes the patches of a slide into a bag of features, with one row per group of patches in a segment',
  ...parameters,
  outputs: {
    ...bagOutputs,
    encoder: {
      type: 'string',
      description: 'Encoder that was used: `encoder`, or `fallback` if its weights were missing.',
    },
    provider: { type: 'string', description: 'Device that the encoder ran on: cpu, cuda or tensorrt.' },
    'provider-reason': {
      type: 'string',
      description: 'Why this device was used: what ruled out the requested or a faster one.',
    },
  },
  queue: 'cpu',
  timeout: '12h',
  heartbeat: '5m',
  stall: '30m',
  isolation: 'child',
  requires: ['openslide', 'onnx'],
  resumesFrom: 'last committed batch',
  findMissing: (parameter, value, { base, given }) => {
    if (parameter !== 'encoder') return undefined;
    const lack = lackOfEncoder(value, base);
    if (lack?.next === undefined || lack.wrong || !given.has('fallback')) return lack;
    return { ...lack, next: `${lack.next}; until then \`fallback\` is used` };
  },
  check: async (step) => (await import('../../domain/pathology/extract/check-extract.js')).checkExtract(step),
  hiddenInputs: async (parameters, inputs) => {
    const { chooseEncoder, keyOfEncoder } =
      await import('../../domain/pathology/extract/encoders/encoders.js');
    const requested = inputs.encoder ?? (parameters.encoder as string);
    const fallback = typeof parameters.fallback === 'string' ? parameters.fallback : undefined;
    const { definition: chosen } = await chooseEncoder(requested, fallback);
    return { encoder: keyOfEncoder(chosen.info) };
  },
  load: () => import('../../domain/pathology/extract/extract.js'),
});
