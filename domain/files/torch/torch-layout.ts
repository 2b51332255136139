import { basename } from 'node:path';
import { type FileBytes, withFileBytes } from '../file-bytes.js';
import type { PickleValue } from '../pickle/pickle-values.js';
import { safetensorsLayout } from '../safetensors.js';
import { type Dtype, elementsOf } from '../tensor.js';
import { TorchTensor } from './torch-globals.js';
import { readPtProgram } from './torch-pt.js';

/** Where a tensor's values lie in a checkpoint. */
export interface TensorLayout {
  /** Name of the file, without its folder. */
  file: string;
  dtype: Dtype;
  shape: readonly number[];
  /** In elements; a checkpoint may keep another order of axes than row-major. */
  strides: readonly number[];
  /** Of the first element, in bytes from the start of the file. */
  offset: number;
}

/** `{` at byte 8 begins the header of safetensors. It is looked at first: a header's length may well begin like a pickle. */
const BRACE = 0x7b;

/**
 * Tensors of a checkpoint by dotted path, without reading their values: torch.save's zip and older formats, and safetensors. Tensors inside lists are
 * left out.
 * @throws SamMilError InvalidInput, UnsupportedFormat, as the readers of these formats
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
  // A dict may hold itself: each is entered once.
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
    if (error instanceof RangeError) throw bytes.refusal(`is not a usable checkpoint: it ${error.message}`);
    throw error;
  }
  return layouts;
}

function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, axis) => elementsOf(shape.slice(axis + 1)));
}
