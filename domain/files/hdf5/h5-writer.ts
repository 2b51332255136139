import h5wasm, { type Dataset, dtype_to_metadata, type File } from 'h5wasm/node';
import { openSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { SamMilError } from '../../errors.js';
import { asWriteError, commitTemporary, temporaryName } from '../atomic.js';
import { BLOCK_BYTES, checkedWithoutClock, describeType, hdf5, Hdf5Failure } from './h5-library.js';
import { isPlain, numericDtype, openingOnly, passThrough, quietly, withLibraryMemory } from './h5-library.js';
import { FlushAhead } from '../flush-ahead.js';
import {
  bytesOfArray,
  bytesPerElement,
  type Dtype,
  dtypeOf,
  elementsOf,
  type TypedArray,
} from '../tensor.js';

/**
 * A value for an attribute. As h5py does: whole numbers become int64, other numbers float64, text a variable-length UTF-8 string, lists
 * one-dimensional arrays. `{ dtype, value }` says another number type (a list of floats that happen to be whole needs `float64`).
 */
export type AttributeInput =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { dtype: 'float64' | 'float32' | 'int64' | 'int32' | 'uint8'; value: number | readonly number[] };

export interface WriteOptions {
  attributes?: Record<string, AttributeInput>;
  /** Chunk shape; needed for compression. Chosen by itself for `resizable`. */
  chunks?: readonly number[];
  /** The first axis can grow by {@link H5Writer.append}. */
  resizable?: boolean;
  /** Deflate level 1 to 9; only for chunked datasets. */
  gzip?: number;
}

const formats: Partial<Record<Dtype, string>> = {
  float64: '<d',
  float32: '<f',
  int64: '<q',
  int32: '<i',
  int16: '<h',
  int8: '<b',
  uint64: '<Q',
  uint32: '<I',
  uint16: '<H',
  uint8: '<B',
};

/** What the library said of a dataset when it was made, so that it is not asked again for each block of rows. */
interface Layout {
  dtype: Dtype;
  /** Grows where `resizable`. */
  shape: readonly number[];
  resizable: boolean;
  /** See {@link isPlain}. */
  plain: boolean;
}

/** HDF5's number of the deflate filter. */
const DEFLATE = 1;

/**
 * A new HDF5 file. It is written under a temporary name beside `path` and takes its name in {@link close}, after fsync; {@link abort} (or a
 * crash) leaves nothing under `path`. Equal calls give equal bytes.
 */
export class H5Writer {
  readonly path: string;
  private readonly temporary: string;
  private readonly file: File;
  private readonly layouts = new Map<string, Layout>();
  private open = true;
  private readonly flushing: FlushAhead;

  /** Use {@link createH5}. */
  constructor(path: string, temporary: string, file: File, flushing: FlushAhead) {
    this.path = path;
    this.temporary = temporary;
    this.file = file;
    this.flushing = flushing;
  }

  /** Writes a new dataset; `shape`'s product must be `data`'s length. Groups in `name` (`a/b`) are made as needed. */
  write(name: string, data: TypedArray, shape: readonly number[], options: WriteOptions = {}): void {
    if (elementsOf(shape) !== data.length) {
      throw new RangeError(`${name}: ${data.length} elements do not fill shape [${shape.join(', ')}]`);
    }
    this.reserve(name, dtypeOf(data), shape, options);
    this.attempt(name, () => this.putRows(name, data, 0));
  }

  /** Makes a dataset whose content follows by {@link fill}: for arrays that are not in memory as a whole. */
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

  /** Overwrites whole rows from `start` on. `data` is in the dataset's own element type. */
  fill(name: string, data: TypedArray, start: number): void {
    this.attempt(name, () => {
      const { shape, rows } = this.rowsOf(name, data);
      if (start + rows > shape[0]) throw new RangeError(`${name}: no rows ${start} to ${start + rows}`);
      this.putRows(name, data, start);
    });
  }

  /** Adds `rows` rows at the end of a resizable dataset. `data` holds exactly `rows` times a row's elements, in the dataset's own type. */
  append(name: string, data: TypedArray, rows: number): void {
    this.attempt(name, () => {
      const { rows: given, ...layout } = this.rowsOf(name, data);
      const { shape, dtype, resizable } = layout;
      if (given !== rows) throw new RangeError(`${name}: ${data.length} elements are not ${rows} rows`);
      if (rows === 0) return;
      if (!resizable) throw new RangeError(`${name} can't grow; it was not made resizable`);
      const grown = [shape[0] + rows, ...shape.slice(1)];
      hdf5.resize_dataset(this.file.file_id, absolute(name), grown.map(BigInt));
      this.putRows(name, data, shape[0]);
      this.verified(name, dtype, grown);
      this.layouts.set(absolute(name), { ...layout, shape: grown });
    });
  }

  /** Sets an attribute of a dataset or group (`/` for the file itself), replacing one of that name. */
  attribute(name: string, key: string, value: AttributeInput): void {
    this.attempt(`${name}@${key}`, () => {
      const owner = new h5wasm.Group(this.file.file_id, absolute(name));
      if (hdf5.get_attribute_names(this.file.file_id, absolute(name)).includes(key))
        owner.delete_attribute(key);
      const { data, format, shape } = attributeParts(value);
      owner.create_attribute(key, data as number[], shape, format);
    });
  }

  /** Closes the file, makes it durable and gives it its name. @throws SamMilError DiskFull or InvalidInput; nothing stays then */
  close(): void {
    if (!this.open) return;
    try {
      checkedWithoutClock(() => this.file.flush());
      this.open = false;
      checkedWithoutClock(() => this.file.close());
      commitTemporary(this.temporary, this.path, () => this.flushing.finish());
    } catch (error) {
      this.abort();
      throw this.failure('the file', error);
    }
  }

  /** Drops the file. Harmless after {@link close}. */
  abort(): void {
    if (this.open) {
      this.open = false;
      quietly(() => this.file.close());
    }
    this.flushing.abandon();
    rmSync(this.temporary, { force: true });
  }

  /**
   * Makes the dataset without content, then fills it block by block: the wrapper's own call would hold a second copy of everything inside
   * the library's memory. HDF5 complains about the missing content of that first call, which is why it is made quietly; `verify` looks.
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
      throw new RangeError(`"${name}" exists already`);
    quietly(() => hdf5.create_dataset(this.file.file_id, absolute(name), 0n, metadata));
  }

  /** Shape and type of a dataset, and how many of its rows `data` is. */
  private rowsOf(name: string, data: TypedArray): Layout & { rows: number } {
    const layout = this.layoutOf(name);
    const { dtype, shape } = layout;
    if (dtype !== dtypeOf(data)) throw new TypeError(`${name} holds ${dtype}, not ${dtypeOf(data)}`);
    const rowElements = elementsOf(shape.slice(1));
    const rows = rowElements === 0 ? 0 : data.length / rowElements;
    if (!Number.isInteger(rows))
      throw new RangeError(`${name}: ${data.length} elements are no rows of ${rowElements}`);
    return { ...layout, rows };
  }

  private putRows(name: string, data: TypedArray, start: number): void {
    const { shape, plain } = this.layoutOf(name);
    const bytes = bytesOfArray(data);
    const rowBytes = Math.max(1, elementsOf(shape.slice(1)) * bytesPerElement(dtypeOf(data)));
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

  /** The wrapper can create something else than was asked for without a word; so look at what is there now. */
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
      `${name} became ${describeType(metadata)} [${found.join(', ')}] instead of ${dtype} [${shape.join(', ')}]`,
    );
  }

  private layoutOf(name: string): Layout {
    const layout = this.layouts.get(absolute(name));
    if (layout === undefined) throw new RangeError(`there is no dataset "${name}" to write to`);
    return layout;
  }

  private dataset(name: string): Dataset {
    const entity = this.file.get(absolute(name));
    if (!(entity instanceof h5wasm.Dataset))
      throw new RangeError(`there is no dataset "${name}" to write to`);
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

/** A full disk by its own name, where the library only says that a write failed. */
function asH5WriteError(error: unknown, path: string, what: string): unknown {
  if (!(error instanceof Hdf5Failure)) return asWriteError(error, path);
  if (/No space left|errno = 28\b/.test(error.report))
    return asWriteError(Object.assign(error, { code: 'ENOSPC' }), path);
  return new SamMilError('Internal', `${what} can't be written: ${error.reason}`, {
    file: path,
    cause: error,
  });
}

/** Starts a new HDF5 file; nothing appears under `path` before {@link H5Writer.close}. @throws SamMilError InvalidInput, DiskFull */
export function createH5File(path: string): H5Writer {
  const target = resolve(path);
  const temporary = temporaryName(target);
  let flushing: FlushAhead | undefined;
  try {
    // Node's own error says why a folder can't be written to; HDF5's does not.
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

/** Chunks of whole rows, up to 1024 of them or 256 KiB: little waste for a short bag, few library calls for a long one. */
function rowChunks(shape: readonly number[], elementBytes: number): number[] {
  const rowBytes = Math.max(1, elementsOf(shape.slice(1)) * elementBytes);
  const most = shape[0] > 0 ? Math.min(shape[0], 1024) : 1024;
  return [
    Math.max(1, Math.min(most, Math.floor((256 << 10) / rowBytes))),
    ...shape.slice(1).map((size) => Math.max(1, size)),
  ];
}

function attributeParts(value: AttributeInput): { data: unknown; format: string; shape: number[] } {
  if (typeof value === 'string') return { data: value, format: 'S', shape: [] };
  if (typeof value === 'number') {
    return { data: value, format: Number.isSafeInteger(value) ? '<q' : '<d', shape: [] };
  }
  if ('dtype' in value) {
    const { dtype, value: numbers } = value;
    const shape = typeof numbers === 'number' ? [] : [numbers.length];
    return {
      data: typeof numbers === 'number' ? numbers : [...numbers],
      format: formats[dtype] ?? '<d',
      shape,
    };
  }
  const list: readonly (number | string)[] = value;
  const format = list.every((item) => typeof item === 'string')
    ? 'S'
    : list.every((item) => Number.isSafeInteger(item))
      ? '<q'
      : '<d';
  return { data: [...list], format, shape: [list.length] };
}
