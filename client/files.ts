/** Package entry `sam-mil/files`: atomic, durable file writes and the file formats of bags. */
export { writeAtomic } from '../domain/files/atomic.js';
export { AtomicFile } from '../domain/files/atomic-file.js';
export {
  type AttributeInput,
  type AttributeValue,
  createH5,
  type H5Reader,
  type H5Writer,
  openH5,
  withH5,
  type WriteOptions,
  writeH5,
} from '../domain/files/hdf5/h5.js';
export { digestOfFile } from '../domain/digest.js';
