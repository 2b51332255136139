import { SamMilError } from '../errors.js';
import type { BuildModel, ModelConfig } from './model.js';

/** A setting that only some models have, as it stands in YAML. */
export interface ModelOption {
  type: 'number' | 'integer' | 'string' | 'boolean';
  description: string;
  default: number | string | boolean;
  enum?: string[];
  minimum?: number;
  maximum?: number;
}

export interface ModelEntry {
  summary: string;
  /** Default of `attention-dim`. */
  attentionDim: number;
  /** By kebab-case name. Equal names of different models must have equal types and ranges; their defaults may differ. */
  options: Readonly<Record<string, ModelOption>>;
  /** Loads the model's file, which may load TensorFlow. */
  load(): Promise<BuildModel>;
}

const samMilOptions: Record<string, ModelOption> = {
  mode: {
    type: 'string',
    enum: ['paper', 'release'],
    default: 'paper',
    description:
      "paper: the method as described. release: what the authors' published code optimises, for comparison.",
  },
  baseline: {
    type: 'string',
    enum: ['abmil', 'transmil', 'dsmil'],
    default: 'abmil',
    description:
      'The aggregator under the method: ReLU attention, self-attention, or DSMIL with tanh query and ReLU value.',
  },
  'mask-ratio': {
    type: 'number',
    minimum: 0,
    maximum: 1,
    default: 0.9,
    description: 'Share of the instances of a very large region that is masked.',
  },
  'mask-slope': {
    type: 'number',
    minimum: 0,
    default: 5e-4,
    description: 'k of sigmoid(k (area - mask-area)), by which the masked share grows with the region.',
  },
  'mask-area': {
    type: 'number',
    minimum: 0,
    default: 5000,
    description: 'Area, in pixels of the segmented image, at which half of mask-ratio is masked.',
  },
  'num-group': {
    type: 'integer',
    minimum: 1,
    default: 5,
    description: 'Pseudo-bags each bag is cut into.',
  },
  alpha: { type: 'number', minimum: 0, default: 0.5, description: 'Weight of the pseudo-bag loss.' },
  beta: { type: 'number', minimum: 0, default: 1000, description: 'Weight of the consistency loss.' },
  'consistency-over': {
    type: 'string',
    enum: ['all', 'patches', 'masks'],
    default: 'all',
    description:
      'Rows whose attention is compared: all (group rows and patches in no mask form a class each, as published), patches (no group rows), masks (neither).',
  },
};

const dsmilOptions: Record<string, ModelOption> = {
  query: {
    type: 'string',
    enum: ['linear', 'tanh'],
    default: 'linear',
    description:
      'Query of DSMIL: one linear layer (the benchmark), or two with ReLU and tanh (the original).',
  },
  value: {
    type: 'string',
    enum: ['identity', 'relu'],
    default: 'identity',
    description: 'What DSMIL sums up: the embedding itself, or a linear layer with ReLU of it.',
  },
};

const clamOptions: Record<string, ModelOption> = {
  'inst-loss': {
    type: 'string',
    enum: ['svm', 'ce'],
    default: 'svm',
    description: 'Loss of the instance classifiers: smooth top-1 SVM or cross-entropy.',
  },
  subtyping: {
    type: 'boolean',
    default: false,
    description:
      "Whether the classes exclude each other, so that one class's best instances are no examples of the others.",
  },
  'k-sample': {
    type: 'integer',
    minimum: 1,
    default: 8,
    description: 'Instances taken from each end of the attention, or all where a bag has fewer.',
  },
  'bag-weight': {
    type: 'number',
    minimum: 0,
    maximum: 1,
    default: 0.7,
    description: "Weight of the bag's loss; the instances' loss has the rest.",
  },
};

const dtfdOptions: Record<string, ModelOption> = {
  'num-group': {
    type: 'integer',
    minimum: 1,
    default: 4,
    description: 'Pseudo-bags each bag is cut into.',
  },
  distill: {
    type: 'string',
    enum: ['MaxS', 'MaxMinS', 'AFS'],
    default: 'AFS',
    description: 'What a pseudo-bag hands on: its best instance, its best and worst, or its attended sum.',
  },
  detach: {
    type: 'boolean',
    default: true,
    description: "Whether the second tier's loss trains the second tier only, as the original does.",
  },
  clip: {
    type: 'number',
    minimum: 0,
    default: 5,
    description: 'Norm that the gradients of each part are clipped to.',
  },
};

const mhimOptions: Record<string, ModelOption> = {
  baseline: samMilOptions.baseline,
  'mask-high': {
    type: 'number',
    minimum: 0,
    maximum: 1,
    default: 0.01,
    description: 'Share of the instances, among those the teacher attends to most, that is masked.',
  },
  'mask-high-pool': {
    type: 'number',
    minimum: 0.001,
    maximum: 1,
    default: 0.5,
    description: 'Share of the most attended that mask-high is drawn from: 0.5 draws from twice as many.',
  },
  'mask-low': {
    type: 'number',
    minimum: 0,
    maximum: 1,
    default: 0,
    description: 'Share of the least attended instances that is masked.',
  },
  'mask-random': {
    type: 'number',
    minimum: 0,
    maximum: 1,
    default: 0.5,
    description: 'Share of all instances that is masked at random.',
  },
  'mask-decay': {
    type: 'boolean',
    default: true,
    description: 'Whether mask-high falls to 0 over the training, by a cosine.',
  },
  consistency: {
    type: 'number',
    minimum: 0,
    default: 0.1,
    description: "Weight of the loss that draws the student's bag embedding to the teacher's.",
  },
  temperature: {
    type: 'number',
    minimum: 0.001,
    default: 0.1,
    description: "Temperature that sharpens the teacher's embedding.",
  },
  momentum: {
    type: 'number',
    minimum: 0,
    maximum: 1,
    default: 0.9999,
    description: 'Share of the teacher that each step keeps; the rest comes from the student.',
  },
  'momentum-rise': {
    type: 'boolean',
    default: false,
    description: 'Whether momentum rises to 1 over the training, by a cosine.',
  },
};

const models = new Map<string, ModelEntry>([
  [
    'mean',
    {
      summary: 'Mean of the instance logits',
      attentionDim: 128,
      options: {},
      load: async () => (await import('./pooling.js')).buildMean,
    },
  ],
  [
    'max',
    {
      summary: 'Largest instance logit of each class',
      attentionDim: 128,
      options: {},
      load: async () => (await import('./pooling.js')).buildMax,
    },
  ],
  [
    'abmil',
    {
      summary: 'Attention-based MIL (Ilse 2018), tanh attention',
      attentionDim: 128,
      options: {
        scoring: {
          type: 'string',
          enum: ['tanh', 'relu'],
          default: 'tanh',
          description:
            'Activation of the attention: tanh with biases, or ReLU without, as the baseline of MHIM-MIL and SAM-MIL has it.',
        },
      },
      load: async () => (await import('./abmil.js')).build,
    },
  ],
  [
    'abmil-gated',
    {
      summary: 'Attention-based MIL with gated attention',
      attentionDim: 128,
      options: {},
      load: async () => (await import('./abmil.js')).buildGated,
    },
  ],
  [
    'transmil',
    {
      summary: 'TransMIL (2021): Nyström self-attention with positions on a square',
      attentionDim: 128,
      options: {
        variant: {
          type: 'string',
          enum: ['benchmark', 'baseline'],
          default: 'benchmark',
          description:
            'Where the bag is filled up to a square: at the start, or for the positions only, as the baseline of MHIM-MIL and SAM-MIL has it.',
        },
      },
      load: async () => {
        const [{ build }, { buildSelfAttention }] = await Promise.all([
          import('./transmil.js'),
          import('./baselines.js'),
        ]);
        return (config) => (config.options.variant === 'baseline' ? buildSelfAttention : build)(config);
      },
    },
  ],
  [
    'dsmil',
    {
      summary: 'Dual-stream MIL (2021): attention by likeness to the critical instance of each class',
      attentionDim: 128,
      options: dsmilOptions,
      load: async () => (await import('./dsmil.js')).build,
    },
  ],
  [
    'dtfd-mil',
    {
      summary: 'DTFD-MIL (2022): attention over pseudo-bags, then over what they distil',
      attentionDim: 128,
      options: dtfdOptions,
      load: async () => (await import('./dtfd.js')).build,
    },
  ],
  [
    'clam-sb',
    {
      summary:
        'CLAM with one attention branch (2021): the best and worst attended instances train a classifier',
      attentionDim: 256,
      options: clamOptions,
      load: async () => (await import('./clam.js')).build,
    },
  ],
  [
    'clam-mb',
    {
      summary: 'CLAM with one attention branch a class',
      attentionDim: 256,
      options: clamOptions,
      load: async () => (await import('./clam.js')).buildMultiBranch,
    },
  ],
  [
    'mhim-mil',
    {
      summary: 'MHIM-MIL (2023): a teacher masks what is easy, the student learns from the rest',
      attentionDim: 128,
      options: mhimOptions,
      load: async () => (await import('./mhim.js')).build,
    },
  ],
  [
    'sam-mil',
    {
      summary: 'SAM-MIL (2024): area masks, pseudo-bags and consistent attention over segmented regions',
      attentionDim: 128,
      options: samMilOptions,
      load: async () => (await import('./sam-mil.js')).build,
    },
  ],
]);

/** Adds a model. Its name becomes a value of `model` in `mil.train-fold`; throws where the name is taken. */
export function registerModel(name: string, entry: ModelEntry): void {
  if (models.has(name)) throw new Error(`a model named "${name}" is registered already`);
  models.set(name, entry);
}

export function modelNames(): string[] {
  return [...models.keys()];
}

/** @throws SamMilError InvalidInput listing the known names */
export function modelEntry(name: string): ModelEntry {
  const entry = models.get(name);
  if (entry !== undefined) return entry;
  throw new SamMilError('InvalidInput', `there is no model "${name}"`, {
    expected: modelNames().join(', '),
  });
}

/** Every option of every model, with the models that have it and its default for each: what the schema of `with` is made of. */
export function allModelOptions(): {
  name: string;
  option: ModelOption;
  defaults: Map<string, ModelOption['default']>;
}[] {
  const found = new Map<string, ReturnType<typeof allModelOptions>[number]>();
  for (const [model, { options }] of models) {
    for (const [name, option] of Object.entries(options)) {
      const known = found.get(name) ?? { name, option, defaults: new Map() };
      known.defaults.set(model, option.default);
      found.set(name, known);
    }
  }
  return [...found.values()];
}

/** `num-group` -> `numGroup`: how an implementation sees a parameter. */
export function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * The model's options, defaults filled in.
 * @param given parameters of the activity in camelCase; those that are no model's option are ignored
 * @throws SamMilError InvalidInput when an option of another model is set: it would have no effect, so it is a mistake
 */
export function resolveOptions(
  model: string,
  given: Readonly<Record<string, unknown>>,
): ModelConfig['options'] {
  const { options } = modelEntry(model);
  for (const { name, defaults } of allModelOptions()) {
    if (given[camelCase(name)] === undefined || name in options) continue;
    throw new SamMilError('InvalidInput', `\`${name}\` has no meaning for model ${model}`, {
      expected: `it on ${[...defaults.keys()].join(', ')} only`,
      next: `remove it; ${model} takes ${Object.keys(options).join(', ') || 'no settings of its own'}`,
    });
  }
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => {
      const value = given[camelCase(name)] ?? option.default;
      return [camelCase(name), value as number | string | boolean];
    }),
  );
}
