/** What `plugins: neighborhood-mil` in a pipeline file loads. The model's file loads only where it runs. */
export const plugin = {
  name: 'neighborhood',
  activities: [],
  models: {
    neighborhood: {
      summary: 'Attention over square neighborhoods of patches instead of single patches',
      attentionDim: 128,
      options: {
        side: { type: 'integer', minimum: 1, default: 4, description: 'Side of a neighborhood, in patches.' },
      },
      load: async () => (await import('./model.js')).build,
    },
  },
};
