/** Parameter `backend` of the activities that use a trained model. */
export const BACKEND = {
  'x-synonyms': ['device', 'gpu', 'cuda', 'use-gpu'],
  type: 'string',
  enum: ['auto', 'tensorflow', 'js'],
  default: 'auto',
  description: 'Compute backend. See mil.train-fold.',
} as const;
