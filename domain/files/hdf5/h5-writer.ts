import h5wasm, { type Dataset, dtype_to_metadata, type File } from 'h5wasm/node';
import { openSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { SamMilError } from '../../errors.js';
import { asWriteError, commitTemporary, temporaryName } from '../atomic.js';
import { BLOCK_BYTES, checkedWithoutClock, describeType, hdf5, Hdf5Failure } from './h5-library.js';
import { isPlain, numericDtype, openingOnly, passThrough, quietly, withLibraryMemory } from './h5-library.js';
import { attributeParts, formats } from './h5-formats.js';
import { asHalfFloats } from './h5-half-header.js';
import type { AttributeInput, WriteOptions } from './h5-options.js';
import { FlushAhead } from '../flush-ahead.js';
import {
  viewBytes,
  bytesPerElement,
  type Dtype,
  dtypeOf,
  countElements,
  type TypedArray,
} from '../tensor.js';

/** Properties of a dataset from its creation, so that they are not read again for each block of rows. */
interface Layout {
  dtype: Dtype;
  /** Changes if `resizable`. */
  shape: readonly number[];
  resizable: boolean;
  /** See {@link isPlain}. */
  plain: boolean;
}

/** The HDF5 number of the deflate filter. */
const DEFLATE = 1;

/**
 * A new HDF5 file. It is written under a temporary name in the folder of `path`; {@link close} flushes it and
 * renames it to `path`. After {@link abort} or a crash, nothing exists at `path`. Equal calls produce equal
 * bytes.
 */
export class H5Writer {
  readonly path: string;
  private readonly temporary: string;
  private readonly file: File;
  private readonly layouts = new Map<string, Layout>();
  /** Headers and shapes of the datasets that become half floats. */
  private readonly halves: { header: number; shape: readonly number[] }[] = [];
  private open = true;
  private readonly flushing: FlushAhead;

  /** Use {@link createH5}. */
  constructor(path: string, temporary: string, file: File, flushing: FlushAhead) {
    this.path = path;
    this.temporary = temporary;
    this.file = file;
    this.flushing = flushing;
  }

  /**
   * Writes a new dataset. Groups in `name` (`a/b`) are created as needed.
   * @throws RangeError if the length of `data` is not the product of `shape` or the dataset exists,
   *   SamMilError DiskFull, Internal
   */
  write(name: string, data: TypedArray, shape: readonly number[], options: WriteOptions = {}): void {
    if (countElements(shape) !== data.length) {
      throw new RangeError(`${name}: ${data.length} elements do not fill shape [${shape.join(', ')}]`);
    }
    this.reserve(name, dtypeOf(data), shape, options);
    this.attempt(name, () => this.putRows(name, data, 0));
  }

  /**
   * Creates a dataset without content, which {@link fill} writes later. For arrays that are not in memory as
   * a whole.
   */
  reserve(name: string, dtype: Dtype, shape: readonly number[], options: WriteOptions = {}): void {
    this.attempt(name, () => {
      this.makeGroups(name);
      this.create(name, dtype, shape, options);
      const { plain } = this.verified(name, dtype, shape);
      this.layouts.set(absolute(name), {
        dtype,
        shape: [...shape],
        plain,
        resizable: options.resizable === true,
      });
    });
    for (const [key, value] of Object.entries(options.attributes ?? {})) this.attribute(name, key, value);
  }

  /** Overwrites whole rows, beginning at row `start`. `data` must have the element type of the dataset. */
  fill(name: string, data: TypedArray, start: number): void {
    this.attempt(name, () => {
      const { shape, rows } = this.rowsOf(name, data);
      if (start + rows > shape[0]) throw new RangeError(`${name}: no rows ${start} to ${start + rows}`);
      this.putRows(name, data, start);
    });
  }

  /**
   * Appends `rows` rows to a resizable dataset. `data` must contain exactly `rows` rows in the element type
   * of the dataset.
   */
  append(name: string, data: TypedArray, rows: number): void {
    this.attempt(name, () => {
      const { rows: given, ...layout } = this.rowsOf(name, data);
      const { shape, dtype, resizable } = layout;
      if (given !== rows) throw new RangeError(`${name}: ${data.length} elements are not ${rows} rows`);
      if (rows === 0) return;
      if (!resizable) throw new RangeError(`${name} cannot grow; it is not resizable`);
      const grown = [shape[0] + rows, ...shape.slice(1)];
      hdf5.resize_dataset(this.file.file_id, absolute(name), grown.map(BigInt));
      this.putRows(name, data, shape[0]);
      this.verified(name, dtype, grown);
      this.layouts.set(absolute(name), { ...layout, shape: grown });
    });
  }

  /** Sets or replaces an attribute of a dataset or group; `/` is the file itself. */
  attribute(name: string, key: string, value: AttributeInput): void {
    this.attempt(`${name}@${key}`, () => {
      const owner = new h5wasm.Group(this.file.file_id, absolute(name));
      if (hdf5.get_attribute_names(this.file.file_id, absolute(name)).includes(key))
        owner.delete_attribute(key);
      const { data, format, shape } = attributeParts(value);
      owner.create_attribute(key, data as number[], shape, format);
    });
  }

  /**
   * Declares that the float32 values of a dataset are pairs of half floats, of the given shape. The library
   * cannot create such datasets, so the type is changed when the file is closed.
   */
  declareHalfFloats(name: string, shape: readonly number[]): void {
    this.attempt(name, () => {
      const reference = hdf5.create_object_reference(this.file.file_id, absolute(name));
      this.halves.push({ header: Number(Buffer.from(reference).readBigUInt64LE(0)), shape });
    });
  }

  /**
   * Closes the file, flushes it to disk and renames it to its final path.
   * @throws SamMilError DiskFull, InvalidInput, Internal; no file remains then
   */
  close(): void {
    if (!this.open) return;
    try {
      checkedWithoutClock(() => this.file.flush());
      this.open = false;
      checkedWithoutClock(() => this.file.close());
      asHalfFloats(this.temporary, this.halves);
      commitTemporary(this.temporary, this.path, () => this.flushing.finish());
    } catch (error) {
      this.abort();
      throw this.failure('the file', error);
    }
  }

  /** Discards the file. Has no effect after {@link close}. */
  abort(): void {
    if (this.open) {
      this.open = false;
      quietly(() => this.file.close());
    }
    this.flushing.abandon();
    rmSync(this.temporary, { force: true });
  }

  /**
   * Creates the dataset without content; it is filled block by block later, because the wrapper's own call
   * would keep a second copy of the data in the library's memory. HDF5 reports the missing content as a
   * failure, so the report is discarded and `verified` checks the result.
   */
  private create(name: string, dtype: Dtype, shape: readonly number[], options: WriteOptions): void {
    const chunks =
      options.chunks ?? (options.resizable === true ? rowChunks(shape, bytesPerElement(dtype)) : null);
    const unlimited = 2n ** 64n - 1n;
    const extent = shape.map(BigInt);
    const metadata = {
      ...dtype_to_metadata(formats[dtype] ?? ''),
      shape: extent,
      maxshape: options.resizable === true ? [unlimited, ...extent.slice(1)] : extent,
      chunks: chunks === null ? null : chunks.map(BigInt),
      compression: options.gzip === undefined ? 0 : DEFLATE,
      compression_opts: options.gzip === undefined ? [] : [options.gzip],
      track_order: false,
    };
    if (this.file.get_type(absolute(name)) === hdf5.H5G_DATASET)
      throw new RangeError(`"${name}" already exists`);
    quietly(() => hdf5.create_dataset(this.file.file_id, absolute(name), 0n, metadata));
  }

  /** Layout of a dataset, and the number of its rows in `data`. */
  private rowsOf(name: string, data: TypedArray): Layout & { rows: number } {
    const layout = this.layoutOf(name);
    const { dtype, shape } = layout;
    if (dtype !== dtypeOf(data)) throw new TypeError(`${name} contains ${dtype}, not ${dtypeOf(data)}`);
    const rowElements = countElements(shape.slice(1));
    const rows = rowElements === 0 ? 0 : data.length / rowElements;
    if (!Number.isInteger(rows))
      throw new RangeError(`${name}: ${data.length} elements are not whole rows of ${rowElements}`);
    return { ...layout, rows };
  }

  private putRows(name: string, data: TypedArray, start: number): void {
    const { shape, plain } = this.layoutOf(name);
    const bytes = viewBytes(data);
    const rowBytes = Math.max(1, countElements(shape.slice(1)) * bytesPerElement(dtypeOf(data)));
    const rows = bytes.byteLength / rowBytes;
    const step = Math.max(1, Math.floor(BLOCK_BYTES / rowBytes));
    for (let row = 0; row < rows; row += step) {
      const taken = Math.min(step, rows - row);
      const counts = shape.length === 0 ? null : [taken, ...shape.slice(1)].map(BigInt);
      const offset = counts?.map((_, axis) => BigInt(axis === 0 ? start + row : 0)) ?? null;
      const strides = counts?.map(() => 1n) ?? null;
      const part = bytes.subarray(row * rowBytes, (row + taken) * rowBytes);
      const put = (pointer: number) =>
        hdf5.set_dataset_data(this.file.file_id, absolute(name), counts, offset, strides, BigInt(pointer));
      if (!plain || !passThrough(part, put)) {
        withLibraryMemory(part.byteLength, (pointer) => {
          hdf5.HEAPU8.set(part, pointer);
          put(pointer);
        });
      }
      this.flushing.wrote(part.byteLength);
    }
  }

  /**
   * Checks the dataset in the file, because the wrapper may silently create something other than requested.
   */
  private verified(name: string, dtype: Dtype, shape: readonly number[]): { plain: boolean } {
    const { metadata } = this.dataset(name);
    const found = (metadata.shape ?? []).map(Number);
    if (
      numericDtype(metadata) === dtype &&
      found.length === shape.length &&
      found.every((n, i) => n === shape[i])
    ) {
      return { plain: isPlain(metadata) };
    }
    throw new TypeError(
      `${name} was created as ${describeType(metadata)} [${found.join(', ')}] instead of ${dtype} [${shape.join(', ')}]`,
    );
  }

  private layoutOf(name: string): Layout {
    const layout = this.layouts.get(absolute(name));
    if (layout === undefined) throw new RangeError(`dataset "${name}" does not exist`);
    return layout;
  }

  private dataset(name: string): Dataset {
    const entity = this.file.get(absolute(name));
    if (!(entity instanceof h5wasm.Dataset)) throw new RangeError(`dataset "${name}" does not exist`);
    return entity;
  }

  private makeGroups(name: string): void {
    const parts = absolute(name).split('/').slice(1, -1);
    parts.forEach((_, index) => {
      const group = `/${parts.slice(0, index + 1).join('/')}`;
      if (this.file.get_type(group) !== hdf5.H5G_GROUP) this.file.create_group(group.slice(1));
    });
  }

  private attempt(name: string, calls: () => void): void {
    if (!this.open) throw new Error(`${this.path}: write after close`);
    try {
      checkedWithoutClock(calls);
    } catch (error) {
      throw this.failure(`"${name}"`, error);
    }
  }

  private failure(what: string, error: unknown): unknown {
    return asH5WriteError(error, this.path, what);
  }
}

/** Reports a full disk as such; the library only reports that a write failed. */
function asH5WriteError(error: unknown, path: string, what: string): unknown {
  if (!(error instanceof Hdf5Failure)) return asWriteError(error, path);
  if (/No space left|errno = 28\b/.test(error.report))
    return asWriteError(Object.assign(error, { code: 'ENOSPC' }), path);
  return new SamMilError('Internal', `${what} cannot be written: ${error.reason}`, {
    file: path,
    cause: error,
  });
}

/**
 * Creates a new HDF5 file. Nothing exists at `path` before {@link H5Writer.close}.
 * @throws SamMilError InvalidInput, DiskFull
 */
export function createH5File(path: string): H5Writer {
  const target = resolve(path);
  const temporary = temporaryName(target);
  let flushing: FlushAhead | undefined;
  try {
    // Node's error states why a folder is not writable; the error of HDF5 does not.
    flushing = new FlushAhead(temporary, openSync(temporary, 'wx'));
    const file = checkedWithoutClock(() => openingOnly(temporary, () => new h5wasm.File(temporary, 'w')));
    return new H5Writer(target, temporary, file, flushing);
  } catch (error) {
    flushing?.abandon();
    rmSync(temporary, { force: true });
    throw asH5WriteError(error, path, 'the file');
  }
}

function absolute(name: string): string {
  return name.startsWith('/') ? name : `/${name}`;
}

/**
 * Chunks contain whole rows, up to 1024 rows or 256 KiB: little waste for a short bag, few library calls for
 * a long one.
 */
function rowChunks(shape: readonly number[], elementBytes: number): number[] {
  const rowBytes = Math.max(1, countElements(shape.slice(1)) * elementBytes);
  const most = shape[0] > 0 ? Math.min(shape[0], 1024) : 1024;
  return [
    Math.max(1, Math.min(most, Math.floor((256 << 10) / rowBytes))),
    ...shape.slice(1).map((size) => Math.max(1, size)),
  ];
}
