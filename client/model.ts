/** Package entry `sam-mil/model`: building blocks for MIL models of other packages. */
export { attentionScores, gatedScores, matrix, vector } from '../domain/mil/models/attention.js';
export { classifier, embedBag } from '../domain/mil/models/abmil.js';
export {
  type Rank,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tf,
} from '../domain/mil/compute/backend.js';
export { largest } from '../domain/mil/compute/extremes.js';
export { crossEntropy, dense, embed, product, softmax, type Dropout } from '../domain/mil/compute/layers.js';
export type { BuildModel, Inference, Model, ModelConfig, StepContext } from '../domain/mil/models/model.js';
export { placedBag, type Bag } from '../domain/mil/bags/bag.js';
export type { ModelOption } from '../domain/mil/models/model-options.js';
export type { ModelEntry } from '../domain/mil/models/registry.js';
export { linearSpec, type ParameterSpec, type Weights } from '../domain/mil/compute/parameters.js';
export { RandomStream } from '../domain/random.js';
export type { BagLoss } from '../domain/mil/targets/head.js';
export type { Endpoint, Outcome } from '../domain/mil/targets/target.js';
