import { dirname } from 'node:path';
import { placeWeights } from '../../../machine/onnx/converted-weights.js';
import { halfModel, type HalfType } from '../../../machine/onnx/half-graph.js';
import { putTogether, takeApart } from '../../../machine/onnx/model-parts.js';
import type { Provider } from '../../../machine/onnx/onnx-session.js';
import type { EncoderInfo } from './encoder.js';
import type { OnnxEncoderFile } from './onnx-encoder.js';
import type { Precision } from './precision.js';

const HALF_TYPES: Readonly<Record<Exclude<Precision, 'fp32'>, HalfType>> = {
  fp16: 'float16',
  bf16: 'bfloat16',
};

/**
 * Returns a model of the project's own graphs that computes in a precision. The CPU lacks operators for half
 * floats, so there each operator computes in float32 and its result is rounded: the same numbers as on a GPU
 * up to the order of summation, but slower than fp32.
 *
 * @param source the float32 model, and the checkpoint that holds its weights
 * @throws SamMilError InvalidInput naming a weight that float16 cannot represent
 */
export function modelInPrecision(
  info: EncoderInfo,
  { path, model }: { path: string; model: Uint8Array },
  precision: Precision = 'fp32',
): Pick<OnnxEncoderFile, 'path' | 'model'> {
  if (precision === 'fp32') return { path, model };
  const parts = takeApart(model);
  const type = HALF_TYPES[precision];
  const { tensors } = halfModel(parts, type, false);
  const source = { checkpoint: path, folder: dirname(path), digest: info.weightsDigest ?? '' };
  const placed = placeWeights(tensors, source);
  const places = new Map(placed.tensors.map((tensor) => [tensor.name, tensor]));
  const forProvider = (provider: Provider['name']): Uint8Array => {
    const half = halfModel(parts, type, provider === 'cpu');
    return putTogether({
      ...half,
      tensors: half.tensors.map((tensor) => places.get(tensor.name) ?? tensor),
    });
  };
  return { path: placed.path, model: forProvider };
}
