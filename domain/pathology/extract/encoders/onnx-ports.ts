import type { InferenceSession } from 'onnxruntime-common';
import {
  checkImageInput,
  choosePorts,
  portRefusal,
  type PortRequest,
  readTensorInfo,
} from '../../../machine/onnx/model-ports.js';

/** Input and output of a model. */
export interface ModelPorts {
  input: string;
  output: string;
  /** Maximum number of images per run: unlimited, or 1 if it was exported that way. */
  most: number;
}

/**
 * Finds the input and output of an image encoder and checks them as far as the model states their shapes: one
 * input, float32 [n, 3, size, size], and an output of `dim` float32 per image.
 * @throws SamMilError InvalidInput with the name and the expected and actual shape
 */
export function findPorts(
  session: InferenceSession,
  request: PortRequest,
  { size, dim }: { size: number; dim: number },
): ModelPorts {
  const { input, output } = choosePorts(session, request);
  const shape = checkImageInput(request, session.inputMetadata, input, {
    sizes: [undefined, 3, size, size],
    next: 'correct `size` of the encoder, or choose a matching `target-size`',
  });
  checkOutput(request, session.outputMetadata, output, dim);
  return { input, output, most: shape[0] === 1 ? 1 : Infinity };
}

/** Dynamic sizes are checked after the first run. */
function checkOutput(
  request: PortRequest,
  metadata: readonly InferenceSession.ValueMetadata[],
  name: string,
  dim: number,
): void {
  const { type, shape } = readTensorInfo(request, metadata, `output ${name}`, name);
  const sizes = shape.slice(1);
  const known = sizes.every((side) => typeof side === 'number');
  const length = known ? sizes.reduce((product: number, side) => product * side, 1) : dim;
  if (type === 'float32' && (shape.length === 0 || length === dim)) return;
  throw portRefusal(request, `output ${name} of the model is not one feature vector per patch`, {
    expected: `float32 [n, ${dim}]`,
    found: `${type} [${shape.join(', ')}]`,
    next: 'correct `dim` or `output` of the encoder, or export the model with pooling',
  });
}
