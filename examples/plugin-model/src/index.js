/** What `plugins: norm-attention-mil` in a pipeline file loads. The model's file loads only where it runs. */
export const plugin = {
  name: 'norm-attention',
  activities: [],
  models: {
    'norm-attention': {
      summary: 'Mean of the embeddings, each weighted by a power of its length',
      attentionDim: 1,
      light: true,
      options: {
        power: { type: 'number', minimum: 0, default: 1, description: 'The power; 0 is the plain mean.' },
      },
      load: async () => (await import('./model.js')).build,
    },
  },
};
