import { closeSync, openSync, writeSync } from 'node:fs';
import { type FileBytes, withFileBytes } from '../file-bytes.js';
import { H5Bytes } from './h5-bytes.js';
import { h5Checksum } from './h5-checksum.js';
import { messages } from './h5-layout.js';

/** Types of messages in an object header. */
const DATASPACE = 0x01;
const DATATYPE = 0x03;

/**
 * A datatype message from its bit field on: little-endian, position of the sign, size, bits, positions and
 * sizes of exponent and mantissa, bias of the exponent.
 */
const FLOAT32 = Buffer.from('20 1f 00 04000000 0000 2000 17 08 00 17 7f000000'.replaceAll(' ', ''), 'hex');
const FLOAT16 = Buffer.from('20 0f 00 02000000 0000 1000 0a 05 00 0a 0f000000'.replaceAll(' ', ''), 'hex');

/**
 * Changes datasets of a closed file from pairs of half floats to half floats.
 * @param datasets address of each header, and shape of the half floats
 * @throws SamMilError InvalidInput if a header is not that of a float32 matrix
 */
export function asHalfFloats(
  path: string,
  datasets: readonly { header: number; shape: readonly number[] }[],
): void {
  if (datasets.length === 0) return;
  const headers = withFileBytes(path, (file) =>
    datasets.map(({ header, shape }) => ({ at: header, bytes: changedHeader(file, header, shape) })),
  );
  const descriptor = openSync(path, 'r+');
  try {
    for (const { bytes, at } of headers) writeSync(descriptor, bytes, 0, bytes.length, at);
  } finally {
    closeSync(descriptor);
  }
}

const CHECKSUM_BYTES = 4;

/**
 * The first block of a header with another type and shape, and its checksum. Source: "HDF5 File Format
 * Specification", version 3.0: version 2 object header, dataspace and datatype messages.
 */
function changedHeader(file: FileBytes, header: number, shape: readonly number[]): Buffer {
  const flags = file.read(header + 5, 1)[0];
  const sizeAt = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const sizeBytes = 1 << (flags & 3);
  const size = Buffer.from(file.read(header + sizeAt, sizeBytes)).readUIntLE(0, Math.min(6, sizeBytes));
  const end = sizeAt + sizeBytes + size;
  const block = Buffer.from(file.read(header, end + CHECKSUM_BYTES));
  if (block.readUInt32LE(end) !== h5Checksum(block.subarray(0, end)))
    throw file.refusal('has an object header of another version');
  for (const { type, data } of messages(new H5Bytes(file), header)) {
    const at = data.start - header;
    if (type === DATATYPE) {
      if (!FLOAT32.equals(block.subarray(at + 1, at + 1 + FLOAT32.length)))
        throw file.refusal('has a dataset that is not float32');
      FLOAT16.copy(block, at + 1);
    }
    if (type === DATASPACE) {
      const [version, rank, hasMost] = block.subarray(at, at + 3);
      if (rank !== shape.length) throw file.refusal('has a dataset that is not a matrix');
      const sizes = hasMost & 1 ? [...shape, ...shape] : shape;
      const start = at + (version === 1 ? 8 : 4);
      sizes.forEach((axis, i) => block.writeBigUInt64LE(BigInt(axis), start + 8 * i));
    }
  }
  block.writeUInt32LE(h5Checksum(block.subarray(0, end)), end);
  return block;
}
