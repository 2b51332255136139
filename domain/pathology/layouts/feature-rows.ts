import { finiteRows, matrixShape } from './feature-matrix.js';
import { type FeaturesReader, openFeatures } from './features-file.js';
import { FileBytes } from '../../files/file-bytes.js';
import { arrayFromBytes, bytesPerElement, type Dtype, toFloat32 } from '../../files/tensor.js';
import { TorchTensor } from '../../files/torch/torch-globals.js';
import { readPtProgram, readPtTensor } from '../../files/torch/torch-pt.js';

/** Feature vectors of a slide in a file. Rows are read on demand, converted to float32, and finite. */
export interface FeatureRows {
  readonly rows: number;
  readonly dim: number;
  /** Element type in the file. */
  readonly dtype: Dtype;
  /** @throws SamMilError InvalidInput naming row and column of a value that is not finite */
  readRows(start: number, count: number): Float32Array;
  close(): void;
}

/**
 * Opens the features of a bare torch tensor (N x D or 1 x N x D; float16, bfloat16, float32, float64) in the
 * zip or legacy format of torch.save. A tensor in row order is read in pieces; any other tensor is read as a
 * whole.
 * @throws SamMilError InvalidInput, UnsupportedFormat as readPt; InvalidInput on any other shape or element
 * type
 */
export function openPtRows(path: string): FeatureRows {
  const file = new FileBytes(path);
  try {
    return layoutRows(file) ?? wholeRows(path, file);
  } catch (error) {
    file.close();
    if (error instanceof RangeError) throw file.refusal(`is not a usable checkpoint: it ${error.message}`);
    throw error;
  }
}

/**
 * Opens a features file of either kind, by its extension. The h5 reader also provides coords and attributes.
 */
export function isPt(path: string): boolean {
  return /\.(pt|pth|bin)$/i.test(path);
}

export function openFeatureRows(path: string): FeatureRows | FeaturesReader {
  return isPt(path) ? openPtRows(path) : openFeatures(path);
}

function layoutRows(file: FileBytes): FeatureRows | undefined {
  const value = readPtProgram(file);
  if (!(value instanceof TorchTensor)) return undefined;
  const { dtype, shape, strides, offset } = value.layout();
  const [rows, dim] = matrixShape(file.path, shape, dtype);
  const [rowStride, stride] = strides.slice(-2);
  if (stride !== 1 || (rowStride !== dim && rows > 1)) return undefined;
  const rowBytes = dim * bytesPerElement(dtype);
  const readRows = (start: number, count: number): Float32Array => {
    const data = arrayFromBytes(dtype, file.read(offset + start * rowBytes, count * rowBytes));
    return finiteRows(file.path, toFloat32({ dtype, data }), start, dim);
  };
  return { rows, dim, dtype, readRows, close: () => file.close() };
}

/**
 * Reads other column orders and numpy arrays (TRIDENT's .pt). The reader refuses everything that is not one
 * tensor.
 */
function wholeRows(path: string, file: FileBytes): FeatureRows {
  file.close();
  const tensor = readPtTensor(path);
  const { dtype } = tensor;
  const [rows, dim] = matrixShape(path, tensor.shape, dtype);
  const values = toFloat32(tensor);
  const readRows = (start: number, count: number): Float32Array =>
    finiteRows(path, values.subarray(start * dim, (start + count) * dim), start, dim);
  return { rows, dim, dtype, readRows, close: () => undefined };
}
