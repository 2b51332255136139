import type { RandomStream } from '../../random.js';
import type { Bag } from '../bags/bag.js';
import type { OptionValues } from './model-options.js';
import type { Scalar, Tensor1D, Tensor2D } from '../compute/backend.js';
import type { HostWeights, ParameterSpec, Weights } from '../compute/parameters.js';
import type { Standardization } from '../bags/standardize.js';
import type { JsonObject } from '../../json.js';

/** What one training step is told. */
export interface StepContext {
  /** Class index of the bag. */
  label: number;
  /** Steps done before this one in the whole training, and in all that are planned: what schedules look at. */
  step: number;
  totalSteps: number;
  /** The random stream of one purpose in this step: `dropout`, `mask`, `pseudo-bags`. */
  stream(purpose: string): RandomStream;
  /** A part of the loss for the history, by name. */
  report(part: string, value: Scalar | number): void;
  /** The teacher's weights, for models that have one. */
  teacher?: Weights;
}

/** What a model says of a bag, without dropout or masks. */
export type Inference = {
  /** [classes] */
  logits: Tensor1D;
  /** [rows]: how much each instance counted. Sums to 1 where the model pools by a softmax; see each model. */
  attention: Tensor1D;
  /** [rows, classes]: logits of each instance by itself, as the model's classifier sees it. */
  instanceLogits: Tensor2D;
};

/** A MIL model: pure functions of weights and bag. A new model is one file with one `build` function, and a line in the registry. */
export interface Model {
  parameters: ParameterSpec[];
  /** The scalar that training minimises for one bag. */
  loss(weights: Weights, bag: Bag, context: StepContext): Scalar;
  /**
   * Value and gradients, for models that do more than minimise one sum (gradient clipping by part); else `loss` is differentiated.
   * Parameters without gradient are left out.
   */
  gradients?(weights: Weights, bag: Bag, context: StepContext): { loss: Scalar; gradients: Weights };
  infer(weights: Weights, bag: Bag): Inference;
  /**
   * A second set of the same parameters, starting equal to the first; after each step teacher = m teacher + (1 - m) student with the m
   * returned here. 1 keeps the teacher as it started.
   */
  teacherMomentum?(context: StepContext): number;
}

/** Everything that decides a model's shape and loss. Stored with its checkpoint, so that it can be built again. */
export interface ModelConfig<Options = OptionValues> {
  model: string;
  /** Length of a feature vector. */
  dim: number;
  classes: number;
  embedDim: number;
  attentionDim: number;
  /** Dropout rate after the embedding. */
  dropout: number;
  options: Options;
}

export type BuildModel<Options = OptionValues> = (config: ModelConfig<Options>) => Model;

/** A trained model with all that is needed to use it again. */
export interface Checkpoint {
  config: ModelConfig;
  /** Class names in index order; of two, the last is the positive one. */
  classes: string[];
  groupFeatures: boolean;
  weights: HostWeights;
  /** What every bag goes through before the model, where training measured one. */
  standardization?: Standardization;
  /** Facts for people and reports: best epoch, backend, training settings, digest of the training bags. No part of the model. */
  training: JsonObject;
}
