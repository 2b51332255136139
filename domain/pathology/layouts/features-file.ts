import { SamMilError } from '../../errors.js';
import {
  type AttributeInput,
  type AttributeValue,
  createH5,
  type H5Reader,
  type H5Writer,
  openH5,
} from '../../files/hdf5/h5.js';
import { firstNotFinite } from '../../files/finite.js';
import { FLOAT16_LIMIT, float16FromFloat32, type StoredFloat } from '../../files/half-float.js';
import { HalfFloats } from '../../files/hdf5/h5-half-floats.js';
import { BLOCK_BYTES } from '../../files/hdf5/h5-library.js';
import { finiteRows, matrixShape } from './feature-matrix.js';
import { readCoords } from './patches-file.js';
import { type Dtype, toInt64 } from '../../files/tensor.js';

/** A bag: one feature row and one coordinate pair per patch, then per group (coords -1, -1). */
export interface Features {
  /** rows x dim, row-major. */
  features: Float32Array;
  dim: number;
  /** rows x 2 (x, y) in level-0 pixels; group rows are -1, -1. */
  coords: Int32Array;
}

/** An open features file; rows are read on demand, so memory does not depend on the size of the bag. */
export class FeaturesReader {
  readonly rows: number;
  readonly dim: number;
  /** Element type in the file. Rows are always converted to float32. */
  readonly dtype: Dtype;
  private readonly file: H5Reader;
  private readonly stacked: boolean;

  /** Use {@link openFeatures}. */
  constructor(file: H5Reader) {
    this.file = file;
    const { dtype, shape } = file.info('features');
    this.stacked = shape.length === 3 && shape[0] === 1;
    this.dtype = dtype;
    [this.rows, this.dim] = matrixShape(file.path, shape, dtype);
  }

  /**
   * Reads `count` rows from `start` as float32.
   * @throws SamMilError InvalidInput naming the row of a NaN or infinite value
   */
  readRows(start: number, count: number): Float32Array {
    const values = this.file.readFloat32('features', start, count, this.stacked ? 1 : 0);
    return finiteRows(this.file.path, values, start, this.dim);
  }

  get hasCoords(): boolean {
    return this.file.has('coords');
  }

  /**
   * Reads the coords, rows x 2 in level-0 pixels.
   * @throws SamMilError InvalidInput if there are none; CountMismatch if there is not one per row
   */
  coords(): Int32Array {
    const coords = readCoords(this.file);
    if (coords.length !== this.rows * 2) {
      throw new SamMilError('CountMismatch', 'features and coords do not match', {
        file: this.file.path,
        expected: `${this.rows} coords, one per feature row`,
        found: `${coords.length / 2}`,
      });
    }
    return coords;
  }

  /** Attributes of `coords` (facts about the patches from CLAM or TRIDENT); empty without coords. */
  coordsAttributes(): Record<string, AttributeValue> {
    return this.hasCoords ? this.file.attributes('coords') : {};
  }

  /** Attributes of `features`, where TRIDENT names the encoder. */
  featuresAttributes(): Record<string, AttributeValue> {
    return this.file.attributes('features');
  }

  close(): void {
    this.file.close();
  }
}

/**
 * Opens a features file of sam-mil or CLAM (`features` N x D) or TRIDENT (also 1 x N x D, float16 or
 * float32).
 * @throws SamMilError InvalidInput on a file that is not HDF5, a missing dataset, a wrong shape or element
 * type
 */
export function openFeatures(path: string): FeaturesReader {
  const file = openH5(path);
  try {
    return new FeaturesReader(file);
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * Reads and checks a whole features file.
 * @throws SamMilError as {@link openFeatures}; CountMismatch; InvalidInput on NaN or infinite values
 */
export function readFeatures(path: string): Features & { rows: number } {
  const reader = openFeatures(path);
  try {
    const { rows, dim } = reader;
    const coords = reader.coords();
    return { features: reader.readRows(0, rows), rows, dim, coords };
  } finally {
    reader.close();
  }
}

/** Reads rows `start` to `start + count` of a features file with the checks of {@link readFeatures}. */
export function readFeatureRows(path: string, start: number, count: number): Float32Array {
  const reader = openFeatures(path);
  try {
    return reader.readRows(start, count);
  } finally {
    reader.close();
  }
}

export interface FeaturesOptions {
  /**
   * Number of rows, if known; they are then stored contiguously, which is fastest. Otherwise the file grows
   * in chunks, as in CLAM.
   */
  rows?: number;
  /** Attributes of `coords`, where CLAM and TRIDENT read facts about the patches. */
  attributes?: Record<string, AttributeInput>;
  /** Attributes of `features`. */
  featuresAttributes?: Record<string, AttributeInput>;
  /** Element type of `features`; float16 requires `rows`. Default: float32. */
  store?: StoredFloat;
}

/**
 * Writes a features file block by block in CLAM's layout: `features` float32 or float16 N x D and `coords`
 * int64 N x 2.
 */
export class FeaturesWriter {
  private readonly file: H5Writer;
  private readonly path: string;
  private readonly dim: number;
  private readonly rows: number | undefined;
  private readonly halves?: HalfFloats;
  private written = 0;

  /** Use {@link createFeatures}. */
  constructor(path: string, dim: number, options: FeaturesOptions) {
    const { rows, attributes, featuresAttributes, store = 'float32' } = options;
    this.path = path;
    this.dim = dim;
    this.rows = rows;
    this.file = createH5(path);
    const resizable = rows === undefined;
    if (store === 'float16') {
      if (rows === undefined) throw new RangeError('float16 requires the number of rows');
      this.halves = new HalfFloats(this.file, 'features', [rows, dim], { attributes: featuresAttributes });
    } else {
      this.file.reserve('features', store, [rows ?? 0, dim], { resizable, attributes: featuresAttributes });
    }
    this.file.reserve('coords', 'int64', [rows ?? 0, 2], { resizable, attributes });
  }

  /**
   * Appends rows: `features` n x dim, `coords` n x 2.
   * @throws SamMilError CountMismatch; InvalidInput on values that are not finite or too large for the file
   */
  append(features: Float32Array, coords: Int32Array): void {
    checkCounts(this.path, { features, coords, dim: this.dim });
    const count = coords.length / 2;
    if (this.rows === undefined) {
      this.checkFinite(features, 0);
      this.file.append('features', features, count);
      this.file.append('coords', toInt64(coords), count);
    } else {
      if (this.written + count > this.rows) throw this.mismatch(this.written + count);
      this.fillFeatures(features, count);
      this.file.fill('coords', toInt64(coords), this.written);
    }
    this.written += count;
  }

  /** Writes block by block: the disk writes one block while the next is checked. */
  private fillFeatures(features: Float32Array, count: number): void {
    const rows = Math.max(1, Math.floor(BLOCK_BYTES / (4 * this.dim)));
    for (let start = 0; start < count; start += rows) {
      const block = features.subarray(start * this.dim, (start + rows) * this.dim);
      this.checkFinite(block, start);
      if (this.halves) this.halves.append(float16FromFloat32(block));
      else this.file.fill('features', block, this.written + start);
    }
  }

  /** @param start index of the first of these rows among the appended rows */
  private checkFinite(features: Float32Array, start: number): void {
    const bad = firstNotFinite(features);
    if (bad >= 0) throw this.refusal('the features to write are not finite', features, start, bad);
    if (!this.halves) return;
    const large = features.findIndex((value) => Math.abs(value) >= FLOAT16_LIMIT);
    if (large < 0) return;
    throw this.refusal('the features are too large for float16', features, start, large, {
      expected: 'values of at most 65504',
      next: 'use `store: float32`',
    });
  }

  private refusal(
    what: string,
    features: Float32Array,
    start: number,
    at: number,
    facts: { expected?: string; next?: string } = {},
  ): SamMilError {
    const found = `${features[at]} in row ${start + Math.floor(at / this.dim)}, column ${at % this.dim}`;
    return new SamMilError('InvalidInput', what, { file: this.path, found, ...facts });
  }

  /**
   * Makes the file durable under its name.
   * @throws SamMilError CountMismatch if the number of rows differs from the declared number
   */
  close(): void {
    if (this.rows !== undefined && this.written !== this.rows) {
      this.abort();
      throw this.mismatch(this.written);
    }
    this.file.close();
  }

  abort(): void {
    this.file.abort();
  }

  private mismatch(found: number): SamMilError {
    return new SamMilError('CountMismatch', 'wrong number of feature rows', {
      file: this.path,
      expected: `${this.rows} rows`,
      found: `${found}`,
    });
  }
}

/** Creates a features file. */
export function createFeatures(path: string, dim: number, options: FeaturesOptions = {}): FeaturesWriter {
  return new FeaturesWriter(path, dim, options);
}

/**
 * Writes a whole bag at once.
 * @throws SamMilError CountMismatch, InvalidInput; no file then appears under `path`
 */
export function writeFeatures(
  path: string,
  bag: Features,
  attributes: Record<string, AttributeInput> = {},
): void {
  const rows = bag.features.length / bag.dim;
  if (!Number.isInteger(rows)) checkCounts(path, bag);
  const writer = createFeatures(path, bag.dim, { rows, attributes });
  try {
    writer.append(bag.features, bag.coords);
    writer.close();
  } catch (error) {
    writer.abort();
    throw error;
  }
}

function checkCounts(file: string, { features, coords, dim }: Features): void {
  const rows = features.length / dim;
  if (Number.isInteger(rows) && coords.length === rows * 2) return;
  throw new SamMilError('CountMismatch', 'features and coords do not match', {
    file,
    expected: `${coords.length / 2} rows of ${dim} values, one row per pair of coords`,
    found: `${features.length} values, ${rows} rows`,
  });
}
