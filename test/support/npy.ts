import { readFileSync } from 'node:fs';
import { numpyTensor } from '../../domain/files/pickle/numpy-array.js';
import type { Tensor } from '../../domain/files/tensor.js';

/** A .npy file of format 1.0, row-major. */
export function readNpy(path: string): Tensor {
  const bytes = readFileSync(path);
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, start);
  const found = /'descr': *'([^']+)'.*'fortran_order': *(True|False).*'shape': *\(([^)]*)\)/s.exec(header);
  if (found === null) throw new Error(`${path}: ${header}`);
  const shape = found[3].split(',').filter((part) => part.trim() !== '');
  const layout = { descr: found[1], shape: shape.map(Number), fortran: found[2] === 'True' };
  return numpyTensor({ ...layout, bytes: Uint8Array.from(bytes.subarray(start)) });
}

/** One of float32. */
export function readFloatNpy(path: string): { shape: number[]; data: Float32Array } {
  const { shape, data } = readNpy(path);
  if (!(data instanceof Float32Array)) throw new Error(`${path} is not float32`);
  return { shape, data };
}
