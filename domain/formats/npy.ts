import { withFileBytes } from './file-bytes.js';
import { numpyTensor } from './numpy-array.js';
import type { Tensor } from './tensor.js';

/**
 * Reads a numpy .npy file (format 1.0 to 3.0; numbers and booleans, either byte order, C or Fortran order) into row-major order.
 * @throws SamMilError InvalidInput naming the file
 */
export function readNpy(path: string): Tensor {
  return withFileBytes(path, (file) => {
    const head = file.read(0, Math.min(12, file.size));
    if (head.length < 12 || Buffer.from(head.subarray(0, 6)).toString('latin1') !== '\x93NUMPY') {
      throw file.refusal('is not a .npy file', 'the signature \\x93NUMPY at its beginning');
    }
    const view = new DataView(head.buffer);
    const start = head[6] === 1 ? 10 : 12;
    const length = head[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
    const header = Buffer.from(file.read(start, length)).toString('utf8');
    const found = /'descr': *'([^']+)'.*'fortran_order': *(True|False).*'shape': *\(([^)]*)\)/s.exec(header);
    if (found === null)
      throw file.refusal('has a header of an unknown form', 'descr, fortran_order and shape', header.trim());
    const shape = found[3]
      .split(',')
      .filter((part) => part.trim() !== '')
      .map(Number);
    const values = file.read(start + length, file.size - start - length);
    try {
      return numpyTensor({ descr: found[1], shape, fortran: found[2] === 'True', bytes: values });
    } catch (error) {
      if (error instanceof RangeError) throw file.refusal(error.message);
      throw error;
    }
  });
}
