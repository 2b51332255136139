import type { InferenceSession } from 'onnxruntime-common';
import { SamMilError } from '../../../errors.js';

/** Input and output of a model. */
export interface ModelPorts {
  input: string;
  output: string;
  /** Maximum number of images per run: unlimited, or 1 if it was exported that way. */
  most: number;
}

interface PortRequest {
  /** Path of the .onnx file, for errors. */
  path: string;
  input?: string;
  output?: string;
}

type Metadata = readonly InferenceSession.ValueMetadata[];

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
  const input = chosen(request, 'input', request.input, session.inputNames);
  const output = chosen(request, 'output', request.output, session.outputNames);
  const others = session.inputNames.filter((name) => name !== input);
  if (others.length > 0) {
    throw refusal(request, 'the model has inputs besides the image', {
      expected: `only ${input}`,
      found: `also ${others.join(', ')}`,
      next: 'export only the image encoder',
    });
  }
  const shape = checkInput(request, session.inputMetadata, input, size);
  checkOutput(request, session.outputMetadata, output, dim);
  return { input, output, most: shape[0] === 1 ? 1 : Infinity };
}

function chosen(
  request: PortRequest,
  kind: 'input' | 'output',
  name: string | undefined,
  names: readonly string[],
): string {
  if (name === undefined) return names[0];
  if (names.includes(name)) return name;
  throw refusal(request, `the model has no ${kind} ${name}`, { expected: names.join(' or '), found: name });
}

/** Dynamic sizes and unstated shapes fit any input. */
function checkInput(request: PortRequest, metadata: Metadata, name: string, size: number): Shape {
  const { type, shape } = readTensorInfo(request, metadata, `input ${name}`, name);
  const expected = [undefined, 3, size, size];
  const fits = expected.every((side, axis) => {
    return typeof shape[axis] !== 'number' || side === undefined || shape[axis] === side;
  });
  if (shape.length > 0 && (shape.length !== expected.length || !fits)) {
    throw refusal(request, `input ${name} of the model has the wrong shape`, {
      expected: `[n, 3, ${size}, ${size}]`,
      found: `[${shape.join(', ')}]`,
      next: 'correct `size` of the encoder, or choose a matching `target-size`',
    });
  }
  if (type !== 'float32') {
    throw refusal(request, `input ${name} of the model has the wrong type`, {
      expected: 'float32',
      found: type,
      next: 'export the model with float32 input (weights can be float16 if the model casts its input)',
    });
  }
  if (typeof shape[0] === 'number' && shape[0] !== 1) {
    throw refusal(request, `input ${name} of the model has a fixed batch size`, {
      expected: 'any number, or 1',
      found: `${shape[0]}`,
      next: 'export the model with a dynamic first axis (`dynamic_axes`)',
    });
  }
  return shape;
}

/** Dynamic sizes are checked after the first run. */
function checkOutput(request: PortRequest, metadata: Metadata, name: string, dim: number): void {
  const { type, shape } = readTensorInfo(request, metadata, `output ${name}`, name);
  const sizes = shape.slice(1);
  const known = sizes.every((side) => typeof side === 'number');
  const length = known ? sizes.reduce((product: number, side) => product * side, 1) : dim;
  if (type === 'float32' && (shape.length === 0 || length === dim)) return;
  throw refusal(request, `output ${name} of the model is not one feature vector per patch`, {
    expected: `float32 [n, ${dim}]`,
    found: `${type} [${shape.join(', ')}]`,
    next: 'correct `dim` or `output` of the encoder, or export the model with pooling',
  });
}

type Shape = readonly (number | string)[];

function readTensorInfo(
  request: PortRequest,
  metadata: Metadata,
  what: string,
  name: string,
): { type: string; shape: Shape } {
  const found = metadata.find((value) => value.name === name);
  if (found?.isTensor) return found;
  throw refusal(request, `${what} of the model is not a tensor`, {
    expected: 'a tensor',
    found: 'something else',
  });
}

function refusal(
  { path }: PortRequest,
  what: string,
  facts: { expected: string; found: string; next?: string },
): SamMilError {
  return new SamMilError('InvalidInput', what, { file: path, ...facts });
}
