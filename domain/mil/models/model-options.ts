import type { WithOf } from '../../parameters.js';

/** A parameter of only some models, as in YAML: a schema with a default. */
export interface ModelOption {
  readonly type: 'number' | 'integer' | 'string' | 'boolean';
  readonly description: string;
  readonly default: number | string | boolean;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

/** By kebab-case name. */
export type ModelOptions = Readonly<Record<string, ModelOption>>;

/** The options with which a model is built, by camelCase name and with defaults. */
export type OptionValues = Record<string, string | number | boolean>;

/** {@link OptionValues} for options with known literal types. */
export type OptionsOf<Options extends ModelOptions> = string extends keyof Options
  ? OptionValues
  : WithOf<{ with: Options; required: readonly [] }>;

export const samMilOptions = {
  mode: {
    type: 'string',
    enum: ['paper', 'release'],
    default: 'paper',
    description:
      "paper: the method as described in the paper. release: the loss that the authors' published code optimizes, for comparison.",
  },
  baseline: {
    type: 'string',
    enum: ['abmil', 'transmil', 'dsmil'],
    default: 'abmil',
    description:
      'Aggregator of the method. abmil: ReLU attention. transmil: self-attention. dsmil: DSMIL with tanh query and ReLU value.',
  },
  'mask-ratio': {
    type: 'number',
    minimum: 0,
    maximum: 1,
    default: 0.9,
    description: 'Masked share of the instances of a very large region.',
  },
  'mask-slope': {
    type: 'number',
    minimum: 0,
    default: 5e-4,
    description:
      'k of sigmoid(k (area - mask-area)), with which the masked share grows with the area of the region.',
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
    description: 'Number of pseudo-bags per bag.',
  },
  alpha: { type: 'number', minimum: 0, default: 0.5, description: 'Weight of the pseudo-bag loss.' },
  beta: { type: 'number', minimum: 0, default: 1000, description: 'Weight of the consistency loss.' },
  'consistency-over': {
    type: 'string',
    enum: ['all', 'patches', 'masks'],
    default: 'all',
    description:
      'Rows whose attention is compared. all: group rows and patches outside all masks each form a class, as published. patches: without group rows. masks: without both.',
  },
} as const satisfies ModelOptions;
export type SamMilOptions = OptionsOf<typeof samMilOptions>;

export const dsmilOptions = {
  query: {
    type: 'string',
    enum: ['linear', 'tanh'],
    default: 'linear',
    description:
      'Query of DSMIL. linear: one linear layer, as in the benchmark. tanh: two layers with ReLU and tanh, as in the original.',
  },
  value: {
    type: 'string',
    enum: ['identity', 'relu'],
    default: 'identity',
    description:
      'Values that DSMIL sums. identity: the embedding itself. relu: a linear layer with ReLU on the embedding.',
  },
  embedding: {
    type: 'string',
    enum: ['linear', 'none'],
    default: 'linear',
    description:
      'Embedding of the instances. linear: a linear layer with ReLU and dropout, as in the benchmark. none: the features are used directly, as in the original.',
  },
  'bag-loss': {
    type: 'string',
    enum: ['ce', 'bce'],
    default: 'ce',
    description:
      'Loss of DSMIL. ce: cross-entropy over the classes, as in the benchmark. bce: separate binary cross-entropy of each class, as in the original.',
  },
} as const satisfies ModelOptions;
export type DsmilOptions = OptionsOf<typeof dsmilOptions>;

export const clamOptions = {
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
      'Whether the classes exclude each other, so that the best instances of one class are negative examples of the others.',
  },
  'k-sample': {
    type: 'integer',
    minimum: 1,
    default: 8,
    description:
      'Number of instances with the highest and with the lowest attention, or all if a bag has fewer.',
  },
  'bag-weight': {
    type: 'number',
    minimum: 0,
    maximum: 1,
    default: 0.7,
    description: "Weight of the bag's loss. The loss of the instances has the remaining weight.",
  },
} as const satisfies ModelOptions;
export type ClamOptions = OptionsOf<typeof clamOptions>;

export const dtfdOptions = {
  'num-group': {
    type: 'integer',
    minimum: 1,
    default: 4,
    description: 'Number of pseudo-bags per bag.',
  },
  distill: {
    type: 'string',
    enum: ['MaxS', 'MaxMinS', 'AFS'],
    default: 'AFS',
    description:
      'Features that a pseudo-bag passes on. MaxS: its best instance. MaxMinS: its best and worst instances. AFS: its attention-weighted sum.',
  },
  detach: {
    type: 'boolean',
    default: true,
    description: 'Whether the loss of the second tier trains only the second tier, as in the original.',
  },
  clip: {
    type: 'number',
    minimum: 0,
    default: 5,
    description: 'Norm to which the gradients of each part are clipped.',
  },
} as const satisfies ModelOptions;
export type DtfdOptions = OptionsOf<typeof dtfdOptions>;

export const mhimOptions = {
  baseline: samMilOptions.baseline,
  'mask-high': {
    type: 'number',
    minimum: 0,
    maximum: 1,
    default: 0.01,
    description: 'Masked share of the instances, drawn from those with the highest teacher attention.',
  },
  'mask-high-pool': {
    type: 'number',
    minimum: 0.001,
    maximum: 1,
    default: 0.5,
    description:
      'Share of the pool of most attended instances that mask-high selects: 0.5 draws from twice as many.',
  },
  'mask-low': {
    type: 'number',
    minimum: 0,
    maximum: 1,
    default: 0,
    description: 'Masked share of the instances, those with the lowest teacher attention.',
  },
  'mask-random': {
    type: 'number',
    minimum: 0,
    maximum: 1,
    default: 0.5,
    description: 'Share of the instances that is masked at random.',
  },
  'mask-decay': {
    type: 'boolean',
    default: true,
    description: 'Whether mask-high decreases to 0 during training along a cosine.',
  },
  consistency: {
    type: 'number',
    minimum: 0,
    default: 0.1,
    description: "Weight of the loss that pulls the student's bag embedding toward the teacher's.",
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
    description: "Share of the teacher's weights that each step keeps. The rest comes from the student.",
  },
  'momentum-rise': {
    type: 'boolean',
    default: false,
    description: 'Whether momentum increases to 1 during training along a cosine.',
  },
} as const satisfies ModelOptions;
export type MhimOptions = OptionsOf<typeof mhimOptions>;

export const abmilOptions = {
  scoring: {
    type: 'string',
    enum: ['tanh', 'relu'],
    default: 'tanh',
    description:
      'Activation of the attention. tanh: with biases. relu: without biases, as in the baseline of MHIM-MIL and SAM-MIL.',
  },
} as const satisfies ModelOptions;
export type AbmilOptions = OptionsOf<typeof abmilOptions>;

export const transmilOptions = {
  variant: {
    type: 'string',
    enum: ['benchmark', 'baseline'],
    default: 'benchmark',
    description:
      'Where the bag is padded to a square. benchmark: at the start. baseline: only for the position encoding, as in the baseline of MHIM-MIL and SAM-MIL.',
  },
} as const satisfies ModelOptions;

export const simlpOptions = {
  'hidden-activation': {
    type: 'string',
    enum: ['relu', 'gelu'],
    default: 'relu',
    description: 'Activation of the hidden layer. relu: as in the main results. gelu: the exact form.',
  },
} as const satisfies ModelOptions;
export type SimlpOptions = OptionsOf<typeof simlpOptions>;

export const rrtMilOptions = {
  'region-num': {
    type: 'integer',
    minimum: 1,
    default: 8,
    description: 'Regions along each side of the square within which instances attend to each other.',
  },
  'epeg-k': {
    type: 'integer',
    minimum: 0,
    default: 15,
    description:
      'Length, an odd number, of the kernels that encode positions within a region. 0: no position encoding. Published: 9 to 21.',
  },
  'crmsa-k': {
    type: 'integer',
    minimum: 1,
    default: 3,
    description: 'Representatives of a region in the attention between regions. Published: 1 to 5.',
  },
  'crmsa-heads': {
    type: 'integer',
    minimum: 1,
    default: 8,
    description: 'Heads of the attention between regions. Published: 1 and 8.',
  },
  'crmsa-mlp': {
    type: 'boolean',
    default: false,
    description:
      'Whether two layers with tanh score the instances of a region for its representatives, instead of one matrix.',
  },
  'all-shortcut': {
    type: 'boolean',
    default: false,
    description: 'Whether the embedding is added again after both attentions.',
  },
  'attention-activation': {
    type: 'string',
    enum: ['relu', 'tanh'],
    default: 'relu',
    description:
      'Activation of the attention that pools the bag. relu: the default of the published code. tanh: its published results.',
  },
} as const satisfies ModelOptions;
export type RrtMilOptions = OptionsOf<typeof rrtMilOptions>;
