import type { InferenceSession } from 'onnxruntime-common';
import { SamMilError } from '../../errors.js';

/** Which model, and which of its inputs and outputs; the first if they are not named. */
export interface PortRequest {
  /** Path of the .onnx file, for errors. */
  path: string;
  input?: string;
  output?: string;
}

export type Shape = readonly (number | string)[];

type Metadata = readonly InferenceSession.ValueMetadata[];

/**
 * Finds the input and output of a model that takes one image.
 * @throws SamMilError InvalidInput if it has no input or output of that name, or needs other inputs
 */
export function choosePorts(
  session: InferenceSession,
  request: PortRequest,
): { input: string; output: string } {
  const input = chosen(request, 'input', request.input, session.inputNames);
  const output = chosen(request, 'output', request.output, session.outputNames);
  const others = session.inputNames.filter((name) => name !== input);
  if (others.length === 0) return { input, output };
  throw portRefusal(request, 'the model has inputs besides the image', {
    expected: `only ${input}`,
    found: `also ${others.join(', ')}`,
    next: 'export only the network from the image to the output',
  });
}

function chosen(
  request: PortRequest,
  kind: 'input' | 'output',
  name: string | undefined,
  names: readonly string[],
): string {
  if (name === undefined) return names[0];
  if (names.includes(name)) return name;
  throw portRefusal(request, `the model has no ${kind} ${name}`, {
    expected: names.join(' or '),
    found: name,
  });
}

/** How an image is stored: the sizes of an input for `n` images. Undefined sizes fit all. */
export interface ImageInput {
  sizes: readonly (number | undefined)[];
  /** What to do if the sizes do not fit. */
  next: string;
}

/**
 * Checks the image input as far as the model states its shape; dynamic sizes and unstated shapes fit any.
 * @throws SamMilError InvalidInput with the name and the expected and actual shape
 */
export function checkImageInput(
  request: PortRequest,
  metadata: Metadata,
  name: string,
  { sizes, next }: ImageInput,
): Shape {
  const { type, shape } = readTensorInfo(request, metadata, `input ${name}`, name);
  const fits = sizes.every((side, axis) => {
    return typeof shape[axis] !== 'number' || side === undefined || shape[axis] === side;
  });
  if (shape.length > 0 && (shape.length !== sizes.length || !fits)) {
    throw portRefusal(request, `input ${name} of the model has the wrong shape`, {
      expected: `[${sizes.map((side) => side ?? 'n').join(', ')}]`,
      found: `[${shape.join(', ')}]`,
      next,
    });
  }
  if (type !== 'float32') {
    throw portRefusal(request, `input ${name} of the model has the wrong type`, {
      expected: 'float32',
      found: type,
      next: 'export the model with float32 input (weights can be float16 if the model casts its input)',
    });
  }
  if (typeof shape[0] === 'number' && shape[0] !== 1) {
    throw portRefusal(request, `input ${name} of the model has a fixed batch size`, {
      expected: 'any number, or 1',
      found: `${shape[0]}`,
      next: 'export the model with a dynamic first axis (`dynamic_axes`)',
    });
  }
  return shape;
}

export function readTensorInfo(
  request: PortRequest,
  metadata: Metadata,
  what: string,
  name: string,
): { type: string; shape: Shape } {
  const found = metadata.find((value) => value.name === name);
  if (found?.isTensor) return found;
  throw portRefusal(request, `${what} of the model is not a tensor`, {
    expected: 'a tensor',
    found: 'something else',
  });
}

export function portRefusal(
  { path }: PortRequest,
  what: string,
  facts: { expected: string; found: string; next?: string },
): SamMilError {
  return new SamMilError('InvalidInput', what, { file: path, ...facts });
}
