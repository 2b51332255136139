import { SamMilError } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import { openBackend, tf, type BackendChoice } from '../compute/backend.js';
import { toDevice, toHost } from '../compute/device-weights.js';
import { placedBag } from '../bags/bag.js';
import type { HostBag } from '../bags/bags.js';
import { buildModel } from './build-model.js';
import { readCheckpoint, weightsFor } from './checkpoint.js';
import type { Model, ModelConfig } from './model.js';
import type { Weights } from '../compute/parameters.js';
import { standardized, type Standardization } from '../bags/standardize.js';
import { classesOf, type Target } from '../targets/target.js';
import { readingOf, type Reading } from '../targets/reading.js';

/** A trained model on the device. */
export interface LoadedModel {
  config: ModelConfig;
  /** What the outputs mean. */
  target: Target;
  /** Class names in index order. Of two, the last is the positive one. None for other endpoints. */
  classes: string[];
  /** Whether it was trained with group features. Load its bags in the same way. */
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
  /** [outputs] */
  logits: Float32Array;
  /** What the logits mean: class probabilities, a risk with its survival curve, or a value. */
  reading: Reading;
  /** [classes], softmax of the logits; empty for other endpoints. */
  probabilities: Float64Array;
  /** [rows]: the contribution of each row. For most models a distribution over the rows; see each model. */
  attention: Float32Array;
  /**
   * [rows x classes]: the class probabilities of each separate row by the model's classifier; empty for
   * others.
   */
  instanceProbabilities: Float32Array;
}

/**
 * Reads a checkpoint of sam-mil or a .pt of the published code, and loads the model onto the device. Also
 * loads TensorFlow if needed.
 *
 * @throws SamMilError InvalidInput where the file is not a checkpoint, its model is unknown, or weights are
 *   missing
 */
export async function loadModel(path: string, backend: BackendChoice = 'auto'): Promise<LoadedModel> {
  const checkpoint = readCheckpoint(path);
  const { config, target, groupFeatures, standardization, training } = checkpoint;
  await openBackend(backend);
  const model = await buildModel(config);
  const host = weightsFor(checkpoint, model.parameters, path);
  const weights = toDevice(model.parameters, host);
  return {
    ...{ config, target, classes: classesOf(target), groupFeatures, training, model, weights },
    ...(standardization && { standardization }),
    dispose: () => tf.dispose(weights),
  };
}

/**
 * Applies a model to a bag. Deterministic, without dropout or masks.
 *
 * @throws SamMilError CountMismatch where the feature length differs from that in training, InvalidInput
 *   where the model returns NaN
 */
export function predict(loaded: LoadedModel, bag: HostBag): Prediction {
  const { model, weights, config, target, classes, standardization } = loaded;
  if (bag.dim !== config.dim) {
    throw new SamMilError('CountMismatch', 'the features differ from those on which the model was trained', {
      expected: `${config.dim} numbers per row`,
      found: `${bag.dim}`,
      next: 'extract the slide with the encoder of the training bags',
    });
  }
  const { rows, isGroup, area, coords } = bag;
  const features = standardization ? standardized(bag.features, standardization) : bag.features;
  const x = tf.tensor2d(features, [rows, bag.dim]);
  const output = tf.tidy(() => {
    const placed = placedBag({ x, rows, isGroup, area, coords });
    const { logits, attention, instanceLogits } = model.infer(weights, placed);
    return { logits, attention, ...(classes.length > 0 && { instances: tf.softmax(instanceLogits) }) };
  });
  const logits = toHost(output.logits);
  const attention = toHost(output.attention);
  const instanceProbabilities =
    output.instances === undefined ? new Float32Array(0) : toHost(output.instances);
  tf.dispose([output, x]);
  if (!logits.every(Number.isFinite)) {
    throw new SamMilError('InvalidInput', 'the model returned logits that are not finite', {
      found: logits.join(', '),
    });
  }
  const reading = readingOf(logits, target);
  const probabilities = reading.endpoint === 'classification' ? reading.probabilities : new Float64Array(0);
  return { logits, reading, probabilities, attention, instanceProbabilities };
}
