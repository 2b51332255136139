import { SamMilError } from '../../errors.js';
import { camelCase } from '../../parameters.js';
import type { BuildModel } from './model.js';
import {
  abmilOptions,
  transmilOptions,
  samMilOptions,
  dsmilOptions,
  clamOptions,
  dtfdOptions,
  mhimOptions,
  rrtMilOptions,
  simlpOptions,
  type ModelOption,
  type ModelOptions,
  type OptionsOf,
  type OptionValues,
} from './model-options.js';

export interface ModelEntry {
  summary: string;
  /** Default of `attention-dim`. */
  attentionDim: number;
  /**
   * By kebab-case name. Options of the same name in different models must have equal types and ranges. Their
   * defaults may differ.
   */
  options: ModelOptions;
  /** Whether the model does little more than embed, so that small bags do not need the native library. */
  light?: boolean;
  /**
   * Version of a plugin model. The plugin's own code is part of the cache key; increase the version if other
   * code gives different results, so that folds are trained again.
   */
  version?: number;
  /** Loads the model's file, which may load TensorFlow. */
  load(): Promise<BuildModel>;
}

/**
 * Defines an entry. The compiler checks that the model is built with the options that the entry describes.
 */
export function defineModel<const Options extends ModelOptions>(
  entry: Omit<ModelEntry, 'options' | 'load'> & {
    options: Options;
    load(): Promise<BuildModel<OptionsOf<Options>>>;
  },
): ModelEntry;
export function defineModel(entry: ModelEntry): ModelEntry;
export function defineModel(entry: ModelEntry): ModelEntry {
  return entry;
}

const models = new Map<string, ModelEntry>([
  [
    'mean',
    defineModel({
      summary: 'Mean of the instance logits',
      attentionDim: 128,
      options: {},
      light: true,
      load: async () => (await import('./pooling.js')).buildMean,
    }),
  ],
  [
    'max',
    defineModel({
      summary: 'Largest instance logit of each class',
      attentionDim: 128,
      options: {},
      light: true,
      load: async () => (await import('./pooling.js')).buildMax,
    }),
  ],
  [
    'mean-linear',
    defineModel({
      summary: 'A linear layer on the mean feature vector, the simplest baseline',
      attentionDim: 128,
      options: {},
      light: true,
      load: async () => (await import('./mean-features.js')).buildLinear,
    }),
  ],
  [
    'simlp',
    defineModel({
      summary: 'SiMLP (2025): a perceptron with one hidden layer on the mean feature vector',
      attentionDim: 128,
      options: simlpOptions,
      light: true,
      load: async () => (await import('./mean-features.js')).buildSimlp,
    }),
  ],
  [
    'abmil',
    defineModel({
      summary: 'Attention-based MIL (Ilse 2018), tanh attention',
      attentionDim: 128,
      options: abmilOptions,
      light: true,
      load: async () => (await import('./abmil.js')).build,
    }),
  ],
  [
    'abmil-gated',
    defineModel({
      summary: 'Attention-based MIL with gated attention',
      attentionDim: 128,
      options: {},
      light: true,
      load: async () => (await import('./abmil.js')).buildGated,
    }),
  ],
  [
    'transmil',
    defineModel({
      summary: 'TransMIL (2021): Nyström self-attention with positions on a square',
      attentionDim: 128,
      options: transmilOptions,
      load: async () => {
        const [{ build }, { buildSelfAttention }] = await Promise.all([
          import('./transmil.js'),
          import('./baselines.js'),
        ]);
        return (config) => (config.options.variant === 'baseline' ? buildSelfAttention : build)(config);
      },
    }),
  ],
  [
    'rrt-mil',
    defineModel({
      summary: 'RRT-MIL (2024): instances re-embedded by attention within and between regions',
      attentionDim: 128,
      options: rrtMilOptions,
      load: async () => (await import('./rrt-mil.js')).build,
    }),
  ],
  [
    'dsmil',
    defineModel({
      summary: 'Dual-stream MIL (2021): attention by similarity to the critical instance of each class',
      attentionDim: 128,
      options: dsmilOptions,
      light: true,
      load: async () => (await import('./dsmil.js')).build,
    }),
  ],
  [
    'dtfd-mil',
    defineModel({
      summary: 'DTFD-MIL (2022): attention over pseudo-bags, then over their distilled features',
      attentionDim: 128,
      options: dtfdOptions,
      light: true,
      load: async () => (await import('./dtfd.js')).build,
    }),
  ],
  [
    'clam-sb',
    defineModel({
      summary:
        'CLAM with one attention branch (2021): the most and least attended instances train a classifier',
      attentionDim: 256,
      options: clamOptions,
      load: async () => (await import('./clam.js')).build,
    }),
  ],
  [
    'clam-mb',
    defineModel({
      summary: 'CLAM with one attention branch per class',
      attentionDim: 256,
      options: clamOptions,
      load: async () => (await import('./clam.js')).buildMultiBranch,
    }),
  ],
  [
    'mhim-mil',
    defineModel({
      summary: 'MHIM-MIL (2023): a teacher masks easy instances, the student learns from the rest',
      attentionDim: 128,
      options: mhimOptions,
      load: async () => (await import('./mhim.js')).build,
    }),
  ],
  [
    'sam-mil',
    defineModel({
      summary: 'SAM-MIL (2024): area masks, pseudo-bags and consistent attention over segmented regions',
      attentionDim: 128,
      options: samMilOptions,
      load: async () => (await import('./sam-mil.js')).build,
    }),
  ],
]);

const BUILT_IN: ReadonlySet<string> = new Set(models.keys());

/** False for a model that {@link registerModel} added. */
export function isBuiltInModel(name: string): boolean {
  return BUILT_IN.has(name);
}

/**
 * Registers a model. Its name becomes a value of `model` in `mil.train-fold`, and its options become
 * parameters. Registering the same entry again has no effect.
 *
 * @throws SamMilError InvalidInput where the name is taken, or where an option's type differs from that of
 *   another model's option of the same name
 */
export function registerModel(name: string, entry: ModelEntry): void {
  if (models.get(name) === entry) return;
  refuseMalformed(name, entry);
  const taken = (found: string) =>
    new SamMilError('InvalidInput', `model "${name}" cannot be registered`, { found, next: 'rename it' });
  if (models.has(name)) throw taken(`a model named "${name}" is already registered`);
  for (const known of allModelOptions()) {
    const own = entry.options[known.name];
    if (own === undefined || own.type === known.option.type) continue;
    throw taken(
      `its option \`${known.name}\` is of type ${own.type}, in other models of type ${known.option.type}`,
    );
  }
  models.set(name, entry);
}

function refuseMalformed(name: string, entry: Partial<ModelEntry>): void {
  const { load, options, attentionDim } = entry;
  const fine = typeof load === 'function' && typeof options === 'object' && Number.isInteger(attentionDim);
  if (fine && options !== null) return;
  throw new SamMilError('InvalidInput', `model "${name}" cannot be registered`, {
    expected: 'summary, attentionDim (an integer), options (an object, may be empty), load (a function)',
    found: Object.keys(entry).join(', ') || 'nothing',
    next: 'see "A model of your own" in docs/training.md',
  });
}

export function modelNames(): string[] {
  return [...models.keys()];
}

/** Names of the built-in models, and of those of the given plugins. */
export function modelNamesOf(
  plugins: readonly { models?: Readonly<Record<string, ModelEntry>> }[],
): string[] {
  const own = new Set(plugins.flatMap((plugin) => Object.keys(plugin.models ?? {})));
  return modelNames().filter((name) => isBuiltInModel(name) || own.has(name));
}

/** @throws SamMilError InvalidInput listing the known names */
export function modelEntry(name: string): ModelEntry {
  const entry = models.get(name);
  if (entry !== undefined) return entry;
  throw new SamMilError('InvalidInput', `unknown model "${name}"`, {
    expected: modelNames().join(', '),
  });
}

/**
 * Lists every option of every model, with the models that have it and their defaults. The schema of `with` is
 * built from this list.
 */
export function allModelOptions(among: readonly string[] = modelNames()): {
  name: string;
  option: ModelOption;
  defaults: Map<string, ModelOption['default']>;
}[] {
  const found = new Map<string, ReturnType<typeof allModelOptions>[number]>();
  for (const model of among) {
    const { options } = modelEntry(model);
    for (const [name, option] of Object.entries(options)) {
      const known = found.get(name) ?? { name, option, defaults: new Map() };
      known.defaults.set(model, option.default);
      found.set(name, known);
    }
  }
  return [...found.values()];
}

/**
 * Rejects options of a different model, since they would have no effect.
 *
 * @param given names of parameters in kebab-case; those that are not model options are ignored
 * @throws SamMilError InvalidInput naming the models that take the option
 */
export function refuseForeignOptions(model: string, given: readonly string[]): void {
  const { options } = modelEntry(model);
  for (const { name, defaults } of allModelOptions()) {
    if (!given.includes(name) || name in options) continue;
    throw new SamMilError('InvalidInput', `\`${name}\` has no effect on model ${model}`, {
      expected: `\`${name}\` only with ${[...defaults.keys()].join(', ')}`,
      next: `remove it; options of ${model}: ${Object.keys(options).join(', ') || 'none'}`,
    });
  }
}

/**
 * Resolves the model's options with their defaults.
 *
 * @param given parameters of the activity in camelCase; those that are not model options are ignored
 * @throws SamMilError InvalidInput where an option of a different model is set
 */
export function resolveOptions(model: string, given: Readonly<Record<string, unknown>>): OptionValues {
  const { options } = modelEntry(model);
  const names = allModelOptions().map(({ name }) => name);
  refuseForeignOptions(
    model,
    names.filter((name) => given[camelCase(name)] !== undefined),
  );
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => {
      const value = given[camelCase(name)] ?? option.default;
      return [camelCase(name), value as OptionValues[string]];
    }),
  );
}
