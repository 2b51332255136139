import type { WithOf } from '../../parameters.js';

/** A setting that only some models have, as it stands in YAML: a schema with a default. */
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

/** What a model is built with: its own settings by their camelCase names, defaults filled in. */
export type OptionValues = Record<string, string | number | boolean>;

/** The same for options whose literal types are known. */
export type OptionsOf<Options extends ModelOptions> = string extends keyof Options
  ? OptionValues
  : WithOf<{ with: Options; required: readonly [] }>;

export const samMilOptions = {
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
} as const satisfies ModelOptions;
export type SamMilOptions = OptionsOf<typeof samMilOptions>;

export const dsmilOptions = {
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
  embedding: {
    type: 'string',
    enum: ['linear', 'none'],
    default: 'linear',
    description:
      'Whether instances go through a linear layer with ReLU and dropout first (the benchmark), or the features are taken as they are (the original).',
  },
  'bag-loss': {
    type: 'string',
    enum: ['ce', 'bce'],
    default: 'ce',
    description:
      'ce: cross-entropy over the classes (the benchmark). bce: binary cross-entropy of each class by itself (the original).',
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
} as const satisfies ModelOptions;
export type ClamOptions = OptionsOf<typeof clamOptions>;

export const dtfdOptions = {
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
} as const satisfies ModelOptions;
export type DtfdOptions = OptionsOf<typeof dtfdOptions>;

export const mhimOptions = {
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
} as const satisfies ModelOptions;
export type MhimOptions = OptionsOf<typeof mhimOptions>;

export const abmilOptions = {
  scoring: {
    type: 'string',
    enum: ['tanh', 'relu'],
    default: 'tanh',
    description:
      'Activation of the attention: tanh with biases, or ReLU without, as the baseline of MHIM-MIL and SAM-MIL has it.',
  },
} as const satisfies ModelOptions;
export type AbmilOptions = OptionsOf<typeof abmilOptions>;

export const transmilOptions = {
  variant: {
    type: 'string',
    enum: ['benchmark', 'baseline'],
    default: 'benchmark',
    description:
      'Where the bag is filled up to a square: at the start, or for the positions only, as the baseline of MHIM-MIL and SAM-MIL has it.',
  },
} as const satisfies ModelOptions;
export type TransmilOptions = OptionsOf<typeof transmilOptions>;
