import { basename, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { type FileBytes, withFileBytes } from '../file-bytes.js';
import { gathered } from '../pickle/numpy-array.js';
import type { PickleValue } from '../pickle/pickle-values.js';
import { safetensorsLayout } from '../safetensors.js';
import { arrayFromBytes, bytesPerElement, type Dtype, countElements, toFloat32 } from '../tensor.js';
import { isShardIndex, readShardIndex } from './shard-index.js';
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
 * zip format and older formats of torch.save, safetensors, and the index of a checkpoint in several files.
 * Tensors in lists are left out.
 * @throws SamMilError InvalidInput, UnsupportedFormat, like the readers of these formats; WeightsMissing if a
 *   file of the index is missing
 */
export function tensorLayout(path: string): Map<string, TensorLayout> {
  return isShardIndex(path) ? shardedLayout(path) : fileLayout(path);
}

function shardedLayout(path: string): Map<string, TensorLayout> {
  const layouts = new Map<string, TensorLayout>();
  for (const [shard, names] of readShardIndex(path)) {
    const found = fileLayout(shard);
    const listed = new Set(names);
    const wrong =
      names.find((name) => !found.has(name)) ?? [...found.keys()].find((name) => !listed.has(name));
    if (wrong !== undefined) {
      throw new SamMilError('InvalidInput', `the index and this part disagree on tensor ${wrong}`, {
        file: shard,
        expected: listed.has(wrong) ? 'in this file' : 'not in this file',
        found: listed.has(wrong) ? 'not in this file' : 'in this file',
        next: 'copy the index and all parts from the same source',
      });
    }
    for (const [name, layout] of found) layouts.set(name, layout);
  }
  return layouts;
}

function fileLayout(path: string): Map<string, TensorLayout> {
  const file = basename(path);
  return withFileBytes(path, (bytes) => {
    refuseText(bytes);
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

/** Texts that arrive in place of weights, which the readers could only call damaged. */
const TEXTS = [
  {
    start: /^version https:\/\/git-lfs/,
    what: 'is a Git LFS pointer, not the weights',
    next: 'run `git lfs pull` in the repository, or download the file itself',
  },
  {
    start: /^\s*<(!doctype|html|head|\?xml)/i,
    what: 'is a web page, not a checkpoint',
    next: 'download the file again; a model with restricted access needs a token or a browser that is signed in',
  },
] as const;

function refuseText(bytes: FileBytes): void {
  const start = Buffer.from(bytes.read(0, Math.min(bytes.size, 100))).toString('latin1');
  const text = TEXTS.find((one) => one.start.test(start));
  if (text === undefined) return;
  const { path, size } = bytes;
  throw new SamMilError('InvalidInput', text.what, {
    file: path,
    found: `${size} bytes of text`,
    next: text.next,
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

/**
 * Reads the values of a tensor, which should be small, in row-major order.
 * @param folder of the checkpoint
 * @throws SamMilError InvalidInput if the file ends before the values do
 */
export function readTensorValues(folder: string, tensor: TensorLayout): Float32Array {
  const { file, dtype, shape, strides, offset } = tensor;
  const elements = shape.reduce((last, size, axis) => last + (size - 1) * strides[axis], 1);
  const bytes = withFileBytes(join(folder, file), (all) =>
    all.read(offset, elements * bytesPerElement(dtype)),
  );
  return toFloat32({ dtype, data: gathered(arrayFromBytes(dtype, bytes), dtype, shape, strides, 0) });
}

function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, axis) => countElements(shape.slice(axis + 1)));
}
