import { SamMilError } from '../errors.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import { float32Of, type Tensor } from '../formats/tensor.js';
import { canonicalJson, type JsonObject } from '../json.js';
import type { ModelConfig } from './model.js';
import { countOf, type HostWeights, type ParameterSpec } from './parameters.js';
import type { Standardisation } from './standardise.js';

/** Version of the checkpoint's structure. */
const VERSION = '1';

/** A trained model with all that is needed to use it again. */
export interface Checkpoint {
  config: ModelConfig;
  /** Class names in index order; of two, the last is the positive one. */
  classes: string[];
  groupFeatures: boolean;
  weights: HostWeights;
  /** What every bag goes through before the model, where training measured one. */
  standardisation?: Standardisation;
  /** Facts for people and reports: best epoch, backend, training settings, digest of the training bags. No part of the model. */
  training: JsonObject;
}

/** Writes a checkpoint as safetensors: the weights by name in PyTorch's layout, everything else as JSON in the notes. Equal content, equal bytes. */
export function writeCheckpoint(path: string, checkpoint: Checkpoint, specs: readonly ParameterSpec[]): void {
  const { config, classes, groupFeatures, weights, standardisation, training } = checkpoint;
  const tensors = { ...tensorsOf(weights, specs), ...standardisationTensors(standardisation) };
  writeSafetensors(path, tensors, {
    format: 'sam-mil checkpoint',
    version: VERSION,
    config: canonicalJson(config),
    classes: canonicalJson(classes),
    'group-features': String(groupFeatures),
    training: canonicalJson(training),
  });
}

/** @throws SamMilError InvalidInput when the file is no checkpoint of ours */
export function readCheckpoint(path: string): Checkpoint {
  const { tensors, metadata } = readSafetensors(path);
  if (metadata.format !== 'sam-mil checkpoint' || metadata.version !== VERSION) {
    throw new SamMilError('InvalidInput', 'not a checkpoint that this version reads', {
      file: path,
      expected: `notes "format: sam-mil checkpoint" and "version: ${VERSION}"`,
      found: metadata.format ? `${metadata.format}, version ${metadata.version}` : 'other safetensors',
    });
  }
  const weights = Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, float32Of(tensor)]),
  );
  const { [MEAN]: mean, [DEVIATION]: deviation } = weights;
  return {
    config: JSON.parse(metadata.config) as ModelConfig,
    classes: JSON.parse(metadata.classes) as string[],
    groupFeatures: metadata['group-features'] === 'true',
    weights,
    ...(mean === undefined ? {} : { standardisation: { mean, deviation } }),
    training: JSON.parse(metadata.training) as JsonObject,
  };
}

/** A checkpoint's weights for a model of these parameters, whichever model wrote it. @throws SamMilError InvalidInput where they do not fit */
export function weightsFor(
  checkpoint: Checkpoint,
  specs: readonly ParameterSpec[],
  file: string,
): HostWeights {
  const tensors: Record<string, Pick<Tensor, 'dtype' | 'data'>> = {};
  for (const [name, data] of Object.entries(checkpoint.weights)) tensors[name] = { dtype: 'float32', data };
  return weightsOf(tensors, specs, file);
}

/** Names that no parameter of a model has. */
const MEAN = 'input.mean';
const DEVIATION = 'input.deviation';

function standardisationTensors(standardisation: Standardisation | undefined): Record<string, Tensor> {
  if (standardisation === undefined) return {};
  const { mean, deviation } = standardisation;
  const tensor = (data: Float32Array): Tensor => ({ dtype: 'float32', shape: [data.length], data });
  return { [MEAN]: tensor(mean), [DEVIATION]: tensor(deviation) };
}

export function tensorsOf(
  weights: HostWeights,
  specs: readonly ParameterSpec[],
  prefix = '',
): Record<string, Tensor> {
  return Object.fromEntries(
    specs.map(({ name, shape }) => [
      `${prefix}${name}`,
      { dtype: 'float32' as const, shape, data: weights[name] },
    ]),
  );
}

/** The weights of `specs` from tensors. @throws SamMilError InvalidInput naming the first that is missing or has another shape */
export function weightsOf(
  tensors: Readonly<Record<string, Pick<Tensor, 'dtype' | 'data'>>>,
  specs: readonly ParameterSpec[],
  file: string,
  prefix = '',
): HostWeights {
  return Object.fromEntries(
    specs.map(({ name, shape }) => {
      const tensor = tensors[`${prefix}${name}`];
      if (tensor?.data.length === countOf(shape)) return [name, float32Of(tensor)];
      throw new SamMilError('InvalidInput', `weight "${prefix}${name}" does not fit the model`, {
        file,
        expected: shape.join(' x '),
        found: tensor === undefined ? 'none' : `${tensor.data.length} numbers`,
      });
    }),
  );
}
