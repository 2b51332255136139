import type { InferenceSession } from 'onnxruntime-common';
import { SamMilError } from '../../../errors.js';

/** How a model takes images and gives features. */
export interface ModelPorts {
  input: string;
  output: string;
  /** Images that it takes at once: any number, or 1 where it was exported so. */
  most: number;
}

interface Wanted {
  /** Of the .onnx file, for errors. */
  path: string;
  input?: string;
  output?: string;
}

type Metadata = readonly InferenceSession.ValueMetadata[];

/**
 * Finds input and output of an image encoder, and checks as far as the model itself tells that they are what they are taken for: one input, float32
 * [n, 3, size, size], and an output of `dim` float32 an image.
 * @throws SamMilError InvalidInput with the name, and what was expected and found
 */
export function portsOf(
  session: InferenceSession,
  wanted: Wanted,
  { size, dim }: { size: number; dim: number },
): ModelPorts {
  const input = chosen(wanted, 'input', wanted.input, session.inputNames);
  const output = chosen(wanted, 'output', wanted.output, session.outputNames);
  const others = session.inputNames.filter((name) => name !== input);
  if (others.length > 0) {
    throw refusal(wanted, 'the model has more inputs than the image', {
      expected: `only ${input}`,
      found: `also ${others.join(', ')}`,
      next: 'export the image encoder alone',
    });
  }
  const shape = checkInput(wanted, session.inputMetadata, input, size);
  checkOutput(wanted, session.outputMetadata, output, dim);
  return { input, output, most: shape[0] === 1 ? 1 : Infinity };
}

function chosen(
  wanted: Wanted,
  kind: 'input' | 'output',
  name: string | undefined,
  names: readonly string[],
): string {
  if (name === undefined) return names[0];
  if (names.includes(name)) return name;
  throw refusal(wanted, `the model has no ${kind} ${name}`, { expected: names.join(' or '), found: name });
}

/** A size that the model leaves open fits anything; so does a shape that it does not state. */
function checkInput(wanted: Wanted, metadata: Metadata, name: string, size: number): Shape {
  const { type, shape } = tensorOf(wanted, metadata, `input ${name}`, name);
  const expected = [undefined, 3, size, size];
  const fits = expected.every((side, axis) => {
    return typeof shape[axis] !== 'number' || side === undefined || shape[axis] === side;
  });
  if (shape.length > 0 && (shape.length !== expected.length || !fits)) {
    throw refusal(wanted, `input ${name} of the model has another shape`, {
      expected: `[n, 3, ${size}, ${size}]`,
      found: `[${shape.join(', ')}]`,
      next: 'correct `size` of the encoder, or choose the fitting `target-size`',
    });
  }
  if (type !== 'float32') {
    throw refusal(wanted, `input ${name} of the model is of another type`, {
      expected: 'float32',
      found: type,
      next: 'export the model in single precision (weights may be halves: cast the input inside)',
    });
  }
  if (typeof shape[0] === 'number' && shape[0] !== 1) {
    throw refusal(wanted, `input ${name} of the model is for a fixed number of images`, {
      expected: 'any number, or 1',
      found: `${shape[0]}`,
      next: 'export the model with a free first axis (`dynamic_axes`)',
    });
  }
  return shape;
}

/** Whatever sizes the model leaves open are looked at when it has computed. */
function checkOutput(wanted: Wanted, metadata: Metadata, name: string, dim: number): void {
  const { type, shape } = tensorOf(wanted, metadata, `output ${name}`, name);
  const sizes = shape.slice(1);
  const known = sizes.every((side) => typeof side === 'number');
  const length = known ? sizes.reduce((product: number, side) => product * side, 1) : dim;
  if (type === 'float32' && (shape.length === 0 || length === dim)) return;
  throw refusal(wanted, `output ${name} of the model is not one feature vector a patch`, {
    expected: `float32 [n, ${dim}]`,
    found: `${type} [${shape.join(', ')}]`,
    next: 'correct `dim` or `output` of the encoder, or export the model with pooling',
  });
}

type Shape = readonly (number | string)[];

function tensorOf(
  wanted: Wanted,
  metadata: Metadata,
  what: string,
  name: string,
): { type: string; shape: Shape } {
  const found = metadata.find((value) => value.name === name);
  if (found?.isTensor) return found;
  throw refusal(wanted, `${what} of the model is no tensor`, {
    expected: 'a tensor',
    found: 'something else',
  });
}

function refusal(
  { path }: Wanted,
  what: string,
  facts: { expected: string; found: string; next?: string },
): SamMilError {
  return new SamMilError('InvalidInput', what, { file: path, ...facts });
}
