import type { ActivityPlugin } from '../../activities/define/define-activity.js';

/** An external plugin with only a MIL model, as in docs/training.md. */
export const plugin: ActivityPlugin = {
  name: 'lab',
  activities: [],
  models: {
    'lab-power-mean': {
      summary: 'Mean of the embeddings, each weighted by a power of its length',
      attentionDim: 1,
      version: 3,
      options: {
        power: { type: 'number', minimum: 0, default: 1, description: 'The power.' },
      },
      load: async () => (await import('./lab-model.js')).build,
    },
  },
};
