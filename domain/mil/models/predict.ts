import { SamMilError } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import { openBackend, tf, type BackendChoice } from '../compute/backend.js';
import { toDevice, toHost } from '../compute/device-weights.js';
import type { HostBag } from '../bags/bags.js';
import { buildModel } from './build-model.js';
import { readCheckpoint, weightsFor } from './checkpoint.js';
import type { Model, ModelConfig } from './model.js';
import type { Weights } from '../compute/parameters.js';
import { standardized, type Standardization } from '../bags/standardize.js';
import { softmax } from '../compute/host-math.js';

/** A trained model on the device. */
export interface LoadedModel {
  config: ModelConfig;
  /** Class names in index order; of two, the last is the positive one. */
  classes: string[];
  /** Whether it was trained with group features: load its bags in the same way. */
  groupFeatures: boolean;
  /** Applied to the features by {@link predict}. */
  standardization?: Standardization;
  /** Facts about its training (best epoch, backend, ...). */
  training: JsonObject;
  model: Model;
  weights: Weights;
  dispose(): void;
}

export interface Prediction {
  /** [classes] */
  logits: Float32Array;
  /** [classes], softmax of the logits. */
  probabilities: Float64Array;
  /** [rows]: how much each row counted. For most models a distribution over the rows; see each model. */
  attention: Float32Array;
  /** [rows x classes]: the class probabilities of each row by itself, as the model's classifier sees it. */
  instanceProbabilities: Float32Array;
}

/**
 * Reads a checkpoint, ours or a .pt of the published code, and puts the model on the device, loading TensorFlow where this process has not yet.
 * @throws SamMilError InvalidInput when the file is no checkpoint, its model is not known here, or weights are missing
 */
export async function loadModel(path: string, backend: BackendChoice = 'auto'): Promise<LoadedModel> {
  const checkpoint = readCheckpoint(path);
  const { config, classes, groupFeatures, standardization, training } = checkpoint;
  await openBackend(backend);
  const model = await buildModel(config);
  const host = weightsFor(checkpoint, model.parameters, path);
  const weights = toDevice(model.parameters, host);
  return {
    ...{ config, classes, groupFeatures, training, model, weights },
    ...(standardization && { standardization }),
    dispose: () => tf.dispose(weights),
  };
}

/**
 * What a model says of a bag. Deterministic; no dropout, no masks.
 * @throws SamMilError CountMismatch when the features are not of the length it was trained with; InvalidInput when it gives NaN
 */
export function predict(
  loaded: LoadedModel,
  bag: Pick<HostBag, 'features' | 'rows' | 'dim' | 'isGroup' | 'area'>,
): Prediction {
  const { model, weights, config, standardization } = loaded;
  if (bag.dim !== config.dim) {
    throw new SamMilError('CountMismatch', 'the features are not those the model was trained with', {
      expected: `${config.dim} numbers a row`,
      found: `${bag.dim}`,
      next: 'extract the slide with the encoder of the training bags',
    });
  }
  const { rows, isGroup, area } = bag;
  const features = standardization ? standardized(bag.features, standardization) : bag.features;
  const x = tf.tensor2d(features, [rows, bag.dim]);
  const output = tf.tidy(() => {
    const { logits, attention, instanceLogits } = model.infer(weights, { x, rows, isGroup, area });
    return { logits, attention, instances: tf.softmax(instanceLogits) };
  });
  const logits = toHost(output.logits);
  const attention = toHost(output.attention);
  const instanceProbabilities = toHost(output.instances);
  tf.dispose([output, x]);
  if (!logits.every(Number.isFinite)) {
    throw new SamMilError('InvalidInput', 'the model gives no finite logits', { found: logits.join(', ') });
  }
  return { logits, probabilities: softmax(logits), attention, instanceProbabilities };
}
