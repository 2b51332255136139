import type { Metadata } from 'h5wasm/node';
import type { Dtype } from '../tensor.js';
import type { H5Bytes, H5Cursor } from './h5-bytes.js';
import { messages } from './h5-layout.js';
import { hdf5 } from './h5-library.js';

const DATATYPE = 0x03;

/** A shared message is in the heap of the file (1), or in the header of a committed type. */
const IN_HEAP = 1;

/** Bits of exponent and mantissa, and the bias, of the floats of each size. */
const FLOATS: readonly (readonly [
  dtype: Dtype,
  bytes: number,
  exponent: number,
  mantissa: number,
  bias: number,
])[] = [
  ['float16', 2, 5, 10, 15],
  ['bfloat16', 2, 8, 7, 127],
  ['float32', 4, 8, 23, 127],
  ['float64', 8, 11, 52, 1023],
];

/**
 * Reads how the numbers of a dataset are stored: the class and size do not tell bfloat16 from half floats.
 * @returns undefined if the header does not state it where it can be read
 * @throws SamMilError InvalidInput for numbers of another form (other exponents, bits that are left out)
 */
export function readNumberForm(file: H5Bytes, header: number, metadata: Metadata): Dtype | undefined {
  const data = datatype(file, header);
  if (data === undefined) return undefined;
  data.skip(4);
  const bytes = data.uint(4);
  const [offset, precision] = [data.uint(2), data.uint(2)];
  const isWhole = offset === 0 && precision === bytes * 8;
  if (metadata.type === hdf5.H5T_class_t.H5T_INTEGER.value) {
    if (isWhole) return undefined;
    throw refuse(file, `integers of ${precision} bits at bit ${offset} of ${bytes} bytes`);
  }
  const [, exponent, , mantissa] = [data.uint(1), data.uint(1), data.uint(1), data.uint(1)];
  const bias = data.uint(4);
  const found = FLOATS.find(
    ([, size, ...form]) => size === bytes && String(form) === String([exponent, mantissa, bias]),
  );
  if (isWhole && found !== undefined) return found[0];
  throw refuse(
    file,
    `floats of ${bytes} bytes with ${exponent} bits of exponent, ${mantissa} of mantissa and bias ${bias}`,
  );
}

/** A committed type is itself not shared. */
function datatype(file: H5Bytes, header: number, committed = false): H5Cursor | undefined {
  for (const { type, shared, data } of messages(file, header)) {
    if (type !== DATATYPE) continue;
    if (!shared) return data;
    if (committed) return undefined;
    const version = data.uint(1);
    if (data.uint(1) === IN_HEAP && version === 3) return undefined;
    if (version === 1) data.skip(6);
    const address = data.address();
    return address === undefined ? undefined : datatype(file, address, true);
  }
  return undefined;
}

function refuse(file: H5Bytes, found: string) {
  const forms =
    'integers of 8, 16, 32 or 64 bits, or floats of the forms float16, bfloat16, float32, float64';
  return file.file.refusal('has numbers of a form that is not supported', forms, found);
}
