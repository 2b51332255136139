/**
 * The value of an attribute. As in h5py, whole numbers become int64, other numbers float64, text a
 * variable-length UTF-8 string, and lists one-dimensional arrays. `{ dtype, value }` sets the number type
 * explicitly; a list of floats that may all be whole needs `float64`.
 */
export type AttributeInput =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { dtype: 'float64' | 'float32' | 'int64' | 'int32' | 'uint8'; value: number | readonly number[] };

export interface WriteOptions {
  attributes?: Record<string, AttributeInput>;
  /** Chunk shape, required for compression. Chosen automatically for `resizable`. */
  chunks?: readonly number[];
  /** Allows the first axis to grow through `H5Writer.append`. */
  resizable?: boolean;
  /** Deflate level, 1 to 9. Only for chunked datasets. */
  gzip?: number;
}
