import { parameters } from '../../domain/pathology/convert/parameters.js';
import { keyReader } from '../../domain/machine/reader/reader-process.js';
import type { leftOutInKey } from '../../domain/pathology/convert/process-row.js';
import { defineActivity } from '../define/define-activity.js';
import { bagOutputs } from './bag-outputs.js';

const ROW = new URL('../../domain/pathology/convert/process-row.js', import.meta.url).href;

export const definition = defineActivity({
  name: 'pathology.convert',
  version: 3,
  summary:
    'Converts features of CLAM, TRIDENT or the SAM-MIL scripts into a bag like that of pathology.extract, with one row per group of patches in a segment',
  ...parameters,
  outputs: {
    ...bagOutputs,
    source: {
      type: 'string',
      enum: ['clam', 'trident', 'sam-mil', 'pt'],
      description: 'Tool whose format the features file has.',
    },
  },
  queue: 'cpu',
  timeout: '1h',
  heartbeat: '2m',
  stall: '30m',
  isolation: 'child',
  resumesFrom: 'the start (takes seconds)',
  hiddenInputs: async (_, inputs) => {
    const file = inputs['process-list']?.path;
    if (file === undefined) return {};
    return keyReader.call<typeof leftOutInKey>({ module: ROW, name: 'leftOutInKey', file }, inputs);
  },
  load: () => import('../../domain/pathology/convert/convert.js'),
});
