import { fileOutput } from '../define/define-activity.js';

/** Outputs of the activities that make a bag. */
export const bagOutputs = {
  bag: fileOutput(
    'bag',
    'h5_files/<name>.h5 (or the name that `layout` sets): `features` (N + G) x D in float32, or float16 with `store`, and `coords`; group rows have -1, -1.',
  ),
  'bag-pt': fileOutput('bag', 'pt_files/<name>.pt: the same features as a torch tensor.'),
  seg: fileOutput(
    'seg',
    'seg_files/<name>.h5: coords of the members of each mask. Only if segments are given.',
  ),
  'sam-info': fileOutput('sam-info', 'sam_info/<name>.h5: coords, is_group_feat, relative_area of each row.'),
  'patches-count': { type: 'integer', description: 'Number of patches.' },
  'groups-count': { type: 'integer', description: 'Number of group rows.' },
  dim: { type: 'integer', description: 'Length of a feature vector.' },
};

/** Outputs of pathology.extract for each of several encoders. */
export const perEncoder = {
  bag: bagOutputs.bag,
  'bag-pt': bagOutputs['bag-pt'],
  dim: bagOutputs.dim,
};
