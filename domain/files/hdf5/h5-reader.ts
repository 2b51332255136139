import h5wasm, { type Dataset, type File, type Metadata } from 'h5wasm/node';
import { withFileBytes } from '../file-bytes.js';
import { SamMilError } from '../../errors.js';
import { BLOCK_BYTES, checked, describeType, hdf5, numericDtype, quietly } from './h5-library.js';
import { H5Bytes } from './h5-bytes.js';
import { readNumberForm } from './h5-number-form.js';
import { checkStorage } from './h5-storage.js';
import { openForReading } from './h5-open.js';
import { isPlain, passThrough, withLibraryMemory } from './h5-library.js';
import { viewBytes, bytesPerElement, type Dtype, countElements, emptyArray } from '../tensor.js';
import { toFloat32, toInt32, type TypedArray } from '../tensor.js';

/**
 * The value of an HDF5 attribute in plain JavaScript: 64-bit integers become numbers, arrays are flattened,
 * an empty dataspace becomes null.
 */
export type AttributeValue = null | number | string | boolean | number[] | string[] | boolean[];

/** Maximum size in bytes of a dataset. A larger shape means a damaged or malicious file. */
const MAX_READ_BYTES = 2 ** 34;

export interface DatasetInfo {
  dtype: Dtype;
  shape: number[];
}

/**
 * An open HDF5 file. Every method throws SamMilError InvalidInput, with the file and the dataset, if the
 * content is not what was requested.
 */
export class H5Reader {
  readonly path: string;
  private readonly file: File;
  private open = true;
  private readonly checked = new Map<string, DatasetInfo>();

  /** Use {@link openH5}. */
  constructor(path: string, file: File) {
    this.path = path;
    this.file = file;
  }

  /** Whether `name` (such as `coords` or `group/features`) is a dataset or group. */
  has(name: string): boolean {
    const type = quietly(() => this.file.get_type(absolute(name)));
    return type === hdf5.H5G_DATASET || type === hdf5.H5G_GROUP;
  }

  /** Names of the members of a group, sorted. */
  names(group = '/'): string[] {
    return this.attempt(group, () => hdf5.get_names(this.file.file_id, absolute(group), false));
  }

  /**
   * Element type and shape of a dataset of numbers. A dataset of which a part was never stored is refused:
   * HDF5 would return zeros.
   */
  info(name: string): DatasetInfo {
    const known = this.checked.get(name);
    if (known !== undefined) return known;
    const info = this.inspect(name);
    this.checked.set(name, info);
    return info;
  }

  private inspect(name: string): DatasetInfo {
    const dataset = this.dataset(name);
    const { metadata } = dataset;
    const dtype = this.dtypeOf(name, metadata);
    if (dtype === undefined) {
      throw this.refusal(
        `dataset "${name}" does not contain numbers`,
        'integers or floats',
        describeType(metadata),
      );
    }
    if (metadata.shape === null) throw this.refusal(`dataset "${name}" is empty`, 'an array', 'no dataspace');
    const info = { dtype, shape: metadata.shape.map(Number) };
    this.requireStored(name, dataset);
    return info;
  }

  /** The library's element type does not tell bfloat16 from half floats. */
  private dtypeOf(name: string, metadata: Metadata): Dtype | undefined {
    const dtype = numericDtype(metadata);
    if (dtype === undefined || dtype === 'bool') return dtype;
    const header = this.header(name);
    return withFileBytes(this.path, (file) => readNumberForm(new H5Bytes(file), header, metadata)) ?? dtype;
  }

  /** Address of the object header of a dataset. */
  private header(name: string): number {
    const reference = this.attempt(name, () =>
      hdf5.create_object_reference(this.file.file_id, absolute(name)),
    );
    return Number(Buffer.from(reference).readBigUInt64LE(0));
  }

  private requireStored(name: string, { metadata, filters }: Dataset): void {
    const header = this.header(name);
    const stored = withFileBytes(this.path, (file) =>
      checkStorage(file, { name, metadata, filters, header }),
    );
    if (stored) return;
    // The library names the file that has the values.
    this.attempt(name, () =>
      this.copyRows(name, metadata.shape?.map(() => 1) ?? [], 0, 0, new Uint8Array(metadata.size)),
    );
    throw this.refusal(`the values of dataset "${name}" are in other datasets: copy them into this one`);
  }

  /**
   * Reads a whole dataset, row-major, in its stored element type (int64 as BigInt64Array, half floats as bits
   * in a Uint16Array).
   */
  read(name: string): TypedArray {
    const { shape } = this.info(name);
    return this.readRows(name, 0, shape.length === 0 ? 1 : shape[0]);
  }

  /**
   * Reads rows `start` to `start + count` along `axis`, row-major. The axes before `axis` must have length 1
   * (a bag stored as 1 x N x D has its rows along axis 1). Uses at most {@link BLOCK_BYTES} of memory besides
   * the result.
   */
  readRows(name: string, start: number, count: number, axis = 0): TypedArray {
    const { dtype, shape } = this.info(name);
    const rows = shape.length === 0 ? 1 : shape[axis];
    if (!(start >= 0 && count >= 0 && start + count <= rows) || countElements(shape.slice(0, axis)) !== 1) {
      throw this.refusal(
        `dataset "${name}" has no rows ${start} to ${start + count}`,
        undefined,
        `shape ${shape.join(' x ')}`,
      );
    }
    const rowElements = countElements(shape.slice(axis + 1));
    const result = this.allocate(name, dtype, rowElements * count);
    const bytes = viewBytes(result);
    const rowBytes = rowElements * bytesPerElement(dtype);
    const step = Math.max(1, Math.floor(BLOCK_BYTES / Math.max(1, rowBytes)));
    this.attempt(name, () => {
      for (let row = start; row < start + count && rowBytes > 0; row += step) {
        const taken = Math.min(step, start + count - row);
        const extent = shape.map((size, index) => (index === axis ? taken : size));
        this.copyRows(name, extent, axis, row, bytes.subarray((row - start) * rowBytes));
      }
    });
    return result;
  }

  /** Like {@link readRows} (or {@link read}), converted to float32. */
  readFloat32(name: string, start?: number, count?: number, axis?: number): Float32Array {
    return toFloat32({ dtype: this.info(name).dtype, data: this.some(name, start, count, axis) });
  }

  /**
   * Like {@link readRows} (or {@link read}), converted to int32. Throws for values that are not whole numbers
   * within int32.
   */
  readInt32(name: string, start?: number, count?: number): Int32Array {
    const { dtype } = this.info(name);
    try {
      return toInt32({ dtype, data: this.some(name, start, count) });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw this.refusal(`dataset "${name}": ${error.message}`, 'whole numbers', dtype);
    }
  }

  /** Attributes of a dataset or group; `/` is the file itself. */
  attributes(name = '/'): Record<string, AttributeValue> {
    return this.attempt(name, () => {
      const object = absolute(name);
      if (object !== '/' && !this.has(name)) throw this.refusal(`has no dataset or group "${name}"`);
      const result: Record<string, AttributeValue> = {};
      for (const key of hdf5.get_attribute_names(this.file.file_id, object)) {
        result[key] = plainValue(new h5wasm.Group(this.file.file_id, object).get_attribute(key, true));
      }
      return result;
    });
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    quietly(() => this.file.close());
  }

  /** Creates an error about this file: what is wrong, what was expected, what was found. */
  refusal(what: string, expected?: string, found?: string): SamMilError {
    return new SamMilError('InvalidInput', what, { file: this.path, expected, found });
  }

  private dataset(name: string): Dataset {
    const entity = quietly(() => this.file.get(absolute(name)));
    if (entity instanceof h5wasm.Dataset) {
      this.attempt(name, () => entity.metadata);
      return entity;
    }
    // An unreadable root group means a damaged file, not an empty one.
    const present = this.names();
    const there = present.includes(name) ? '; the name is a group or a broken link' : '';
    throw this.refusal(
      `has no dataset "${name}"${there}`,
      undefined,
      present.length === 0
        ? 'an empty file'
        : `only ${present.slice(0, 8).join(', ')}${present.length > 8 ? ', ...' : ''}`,
    );
  }

  private some(name: string, start?: number, count?: number, axis?: number): TypedArray {
    if (start === undefined || count === undefined) return this.read(name);
    return this.readRows(name, start, count, axis);
  }

  private allocate(name: string, dtype: Dtype, elements: number): TypedArray {
    if (elements * bytesPerElement(dtype) <= MAX_READ_BYTES) {
      try {
        return emptyArray(dtype, elements);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
    throw this.refusal(
      `dataset "${name}" is too large to read at once`,
      undefined,
      `${elements} elements of ${dtype}`,
    );
  }

  private copyRows(name: string, extent: number[], axis: number, start: number, into: Uint8Array): void {
    const { metadata } = this.dataset(name);
    const bytes = countElements(extent) * metadata.size;
    const counts = extent.length === 0 ? null : extent.map(BigInt);
    const offset = counts?.map((_, index) => BigInt(index === axis ? start : 0)) ?? null;
    const strides = counts?.map(() => 1n) ?? null;
    const get = (pointer: number) =>
      checked(() =>
        hdf5.get_dataset_data(this.file.file_id, absolute(name), counts, offset, strides, BigInt(pointer)),
      );
    if (isPlain(metadata) && passThrough(into.subarray(0, bytes), get)) return;
    withLibraryMemory(bytes, (pointer) => {
      get(pointer);
      into.set(hdf5.HEAPU8.subarray(pointer, pointer + bytes));
    });
  }

  private attempt<T>(name: string, calls: () => T): T {
    if (!this.open) throw new Error(`${this.path}: read after close`);
    try {
      return checked(calls);
    } catch (error) {
      if (error instanceof SamMilError) throw error;
      if (!(error instanceof Error)) throw error;
      throw new SamMilError('InvalidInput', `"${name}" cannot be read: ${error.message}`, {
        file: this.path,
        next: /is not built in$/.test(error.message)
          ? 'the file is not damaged; rewrite it with `h5repack -f GZIP=4`, on a computer that has the filter'
          : 'the file is damaged or uses an HDF5 feature that is not supported; create it again or rewrite it with h5repack',
        cause: error,
      });
    }
  }
}

/**
 * Opens an HDF5 file for reading.
 * @throws SamMilError InvalidInput, with the file, if it is missing, empty, truncated, or not an HDF5 file
 */
export function openH5File(path: string): H5Reader {
  return new H5Reader(path, openForReading(path));
}

function absolute(name: string): string {
  return name.startsWith('/') ? name : `/${name}`;
}

function plainValue(value: unknown): AttributeValue {
  if (typeof value === 'bigint') return Number(value);
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.flat(Infinity).map(plainValue) as number[] | string[];
  throw new TypeError(`attribute of unsupported type ${typeof value}`);
}
