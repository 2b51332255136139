import { parameters } from '../../domain/pathology/convert/parameters.js';
import { defineActivity, fileOutput } from '../define/define-activity.js';

export const definition = defineActivity({
  name: 'pathology.convert',
  version: 2,
  summary:
    'Converts features of CLAM, TRIDENT or the SAM-MIL scripts into a bag like that of pathology.extract, with one row per group of patches in a segment',
  ...parameters,
  outputs: {
    bag: fileOutput(
      'bag',
      'h5_files/<name>.h5 (or the name that `layout` sets): `features` float32 (N + G) x D and `coords`; group rows have -1, -1.',
    ),
    'bag-pt': fileOutput('bag', 'pt_files/<name>.pt: the same features as a torch tensor.'),
    seg: fileOutput(
      'seg',
      'seg_files/<name>.h5: coords of the members of each mask. Only if segments are given.',
    ),
    'sam-info': fileOutput(
      'sam-info',
      'sam_info/<name>.h5: coords, is_group_feat, relative_area of each row.',
    ),
    'patches-count': { type: 'integer', description: 'Number of patches.' },
    'groups-count': { type: 'integer', description: 'Number of group rows.' },
    dim: { type: 'integer', description: 'Length of a feature vector.' },
    source: {
      type: 'string',
      enum: ['clam', 'trident', 'sam-mil', 'pt'],
      description: 'Tool whose format the features file has.',
    },
  },
  queue: 'cpu',
  timeout: '1h',
  heartbeat: '2m',
  isolation: 'child',
  resumesFrom: 'the start (takes seconds)',
  hiddenInputs: async (_, inputs) => {
    const { leftOutInKey } = await import('../../domain/pathology/convert/process-row.js');
    return leftOutInKey(inputs);
  },
  load: () => import('../../domain/pathology/convert/convert.js'),
});
