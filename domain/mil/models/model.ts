import type { RandomStream } from '../../random.js';
import type { Bag } from '../bags/bag.js';
import type { OptionValues } from './model-options.js';
import type { Scalar, Tensor1D, Tensor2D } from '../compute/backend.js';
import type { HostWeights, ParameterSpec, Weights } from '../compute/parameters.js';
import type { Standardization } from '../bags/standardize.js';
import type { JsonObject } from '../../json.js';
import type { BagLoss } from '../targets/head.js';
import type { Endpoint, Target } from '../targets/target.js';

/** The context of one training step. */
export interface StepContext extends BagLoss {
  /** Number of steps before this one in the whole training. Schedules use it with `totalSteps`. */
  step: number;
  /** Number of planned steps. */
  totalSteps: number;
  /** Returns the random stream of one purpose in this step: `dropout`, `mask`, `pseudo-bags`. */
  stream(purpose: string): RandomStream;
  /** Reports a named part of the loss for the history. */
  report(part: string, value: Scalar | number): void;
  /** The teacher's weights, for models that have one. */
  teacher?: Weights;
}

/** A model's output for a bag, without dropout or masks. */
export type Inference = {
  /** [outputs] */
  logits: Tensor1D;
  /**
   * [rows]: the contribution of each instance. Sums to 1 if the model pools with a softmax; see each model.
   */
  attention: Tensor1D;
  /** [rows, outputs]: logits of each separate instance by the model's classifier. */
  instanceLogits: Tensor2D;
};

/**
 * A MIL model: pure functions of weights and bag. A new model takes one file with a `build` function and an
 * entry in the registry.
 */
export interface Model {
  parameters: ParameterSpec[];
  /** The scalar that training minimizes for one bag. */
  loss(weights: Weights, bag: Bag, context: StepContext): Scalar;
  /**
   * Value and gradients, for models that need more than the gradient of `loss` (such as gradient clipping by
   * part). By default `loss` is differentiated. Parameters without gradient are omitted.
   */
  gradients?(weights: Weights, bag: Bag, context: StepContext): { loss: Scalar; gradients: Weights };
  infer(weights: Weights, bag: Bag): Inference;
  /**
   * Momentum of a teacher: a second set of the same parameters that starts equal to the first. After each
   * step, teacher = m teacher + (1 - m) student with the returned m. 1 keeps the teacher unchanged.
   */
  teacherMomentum?(context: StepContext): number;
}

/**
 * Everything that determines a model's shape and loss. It is stored in the checkpoint, so that the model can
 * be rebuilt.
 */
export interface ModelConfig<Options = OptionValues> {
  model: string;
  /** Length of a feature vector. */
  dim: number;
  /**
   * Length of the output vector: a logit per class, a logit of the hazard per time bin, or one number (log
   * hazard ratio, regression value).
   */
  outputs: number;
  endpoint: Endpoint;
  embedDim: number;
  attentionDim: number;
  /** Dropout rate after the embedding. */
  dropout: number;
  options: Options;
}

export type BuildModel<Options = OptionValues> = (config: ModelConfig<Options>) => Model;

/** A trained model with everything needed to use it. */
export interface Checkpoint {
  config: ModelConfig;
  /** What the outputs mean. */
  target: Target;
  groupFeatures: boolean;
  weights: HostWeights;
  /** Shapes of the weights in a file, so that a transposed matrix is told from one that fits. */
  shapes?: Readonly<Record<string, readonly number[]>>;
  /** Applied to every bag before the model, if training standardized the features. */
  standardization?: Standardization;
  /**
   * Facts for users and reports: best epoch, backend, training settings, digest of the training bags. Not
   * part of the model.
   */
  training: JsonObject;
}
