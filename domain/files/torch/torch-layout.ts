import { basename } from 'node:path';
import { type FileBytes, withFileBytes } from '../file-bytes.js';
import type { PickleValue } from '../pickle/pickle-values.js';
import { safetensorsLayout } from '../safetensors.js';
import { type Dtype, countElements } from '../tensor.js';
import { TorchTensor } from './torch-globals.js';
import { readPtProgram } from './torch-pt.js';

/** The location of a tensor's values in a checkpoint. */
export interface TensorLayout {
  /** File name without the folder. */
  file: string;
  dtype: Dtype;
  shape: readonly number[];
  /** Strides in elements. A checkpoint may store axes in an order other than row-major. */
  strides: readonly number[];
  /** Offset of the first element, in bytes from the start of the file. */
  offset: number;
}

/**
 * `{` at byte 8 is the start of a safetensors header. It is checked first, because the length of the header
 * may begin like a pickle.
 */
const BRACE = 0x7b;

/**
 * Returns the locations of the tensors in a checkpoint by dotted path, without reading values. Supports the
 * zip format and older formats of torch.save, and safetensors. Tensors in lists are left out.
 * @throws SamMilError InvalidInput, UnsupportedFormat, like the readers of these formats
 */
export function tensorLayout(path: string): Map<string, TensorLayout> {
  const file = basename(path);
  return withFileBytes(path, (bytes) => {
    if (bytes.size > 8 && bytes.read(8, 1)[0] === BRACE) {
      return new Map(
        [...safetensorsLayout(path)].map(([name, tensor]) => [
          name,
          { ...tensor, file, strides: rowMajor(tensor.shape) },
        ]),
      );
    }
    return torchLayout(bytes, file);
  });
}

function torchLayout(bytes: FileBytes, file: string): Map<string, TensorLayout> {
  const layouts = new Map<string, TensorLayout>();
  // A dict may contain itself, so each is visited once.
  const entered = new Set<PickleValue>();
  const visit = (value: PickleValue, path: string): void => {
    if (value instanceof TorchTensor) layouts.set(path, { ...value.layout(), file });
    if (!(value instanceof Map) || entered.has(value)) return;
    entered.add(value);
    for (const [key, member] of value) {
      if (typeof key === 'string') visit(member, path === '' ? key : `${path}.${key}`);
    }
  };
  try {
    visit(readPtProgram(bytes), '');
  } catch (error) {
    if (error instanceof RangeError) throw bytes.refusal(`is not a valid checkpoint: it ${error.message}`);
    throw error;
  }
  return layouts;
}

function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, axis) => countElements(shape.slice(axis + 1)));
}
