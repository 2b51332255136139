import h5wasm, { type Metadata } from 'h5wasm/node';
import type { Dtype } from './tensor.js';

/** The HDF5 library, compiled to WebAssembly. It works on the host's files directly and its calls are synchronous. */
export const hdf5 = await h5wasm.ready;

interface Stream {
  fd?: number;
}
type WriteCall = (
  stream: Stream,
  buffer: Uint8Array,
  offset: number,
  length: number,
  ...rest: unknown[]
) => number;

let diagnosis = '';
captureStandardError();

/**
 * HDF5 reports failure as text on stderr, and the wrapper often drops the status. Everything the library writes there is kept here instead:
 * {@link checked} turns it into an exception, and nobody's terminal is flooded.
 */
function captureStandardError(): void {
  const files = hdf5.FS as unknown as { write: WriteCall };
  const original = files.write;
  files.write = (stream, buffer, offset, length, ...rest) => {
    if (stream.fd !== 2) return original(stream, buffer, offset, length, ...rest);
    diagnosis += Buffer.from(buffer.subarray(offset, offset + length)).toString('utf8');
    return length;
  };
}

/** What HDF5 said when a call failed: `report` is all of it, `reason` its innermost line. */
export class Hdf5Failure extends Error {
  readonly report: string;
  readonly reason: string;

  constructor(report: string) {
    const lines = [...report.matchAll(/^ *#\d+: .*? line \d+ in \w+\(\): (.*)$/gm)].map((match) => match[1]);
    const reason = (lines.at(-1) ?? report.trim()).replace(/: time = .*$/s, '');
    super(reason);
    this.name = 'Hdf5Failure';
    this.report = report;
    this.reason = reason;
  }
}

/** Runs library calls; any failure that HDF5 reports in them is thrown. @throws Hdf5Failure */
export function checked<T>(calls: () => T): T {
  const { result, report } = reported(calls);
  if (report.includes('HDF5-DIAG')) throw new Hdf5Failure(report);
  return result;
}

/** Runs library calls whose failure is an answer (such as "no such name"); the report is dropped. */
export function quietly<T>(calls: () => T): T {
  return reported(calls).result;
}

/** What the calls return and what HDF5 wrote meanwhile; an enclosing call keeps what it had heard before. */
function reported<T>(calls: () => T): { result: T; report: string } {
  const before = diagnosis;
  diagnosis = '';
  try {
    const result = calls();
    return { result, report: diagnosis };
  } finally {
    diagnosis = before;
  }
}

/**
 * As {@link checked}, with the clock at zero: HDF5 stamps every object with the time of its creation and the wrapper can't switch that off,
 * but equal inputs must give equal bytes.
 */
export function checkedWithoutClock<T>(calls: () => T): T {
  const now = Date.now;
  Date.now = () => 0;
  try {
    return checked(calls);
  } finally {
    Date.now = now;
  }
}

/** How much of a dataset is in the library's memory at once while it is read or written. */
export const BLOCK_BYTES = 8 << 20;

/** Lends `bytes` of the library's memory. Take `hdf5.HEAPU8` afresh after each call: the heap moves when it grows. */
export function withLibraryMemory(bytes: number, use: (pointer: number) => void): void {
  const pointer = hdf5._malloc(Math.max(1, bytes));
  if (pointer === 0) throw new RangeError(`no memory for ${bytes} bytes`);
  try {
    use(pointer);
  } finally {
    hdf5._free(pointer);
  }
}

/** Element type of a dataset, or undefined for what is not an array of numbers (strings, compounds, variable-length lists). */
export function numericDtype(metadata: Metadata): Dtype | undefined {
  const { H5T_INTEGER, H5T_FLOAT, H5T_ENUM } = hdf5.H5T_class_t;
  const bits = metadata.size * 8;
  if (metadata.type === H5T_INTEGER.value) return `${metadata.signed ? 'int' : 'uint'}${bits}` as Dtype;
  if (metadata.type === H5T_FLOAT.value && [16, 32, 64].includes(bits)) return `float${bits}` as Dtype;
  if (metadata.type === H5T_ENUM.value && metadata.size === 1 && isBoolean(metadata)) return 'bool';
  return undefined;
}

/** A type as an error message names it. */
export function describeType(metadata: Metadata): string {
  const dtype = numericDtype(metadata);
  if (dtype !== undefined) return dtype;
  const classes = Object.entries(hdf5.H5T_class_t) as [string, { value: number } | undefined][];
  const name = classes.find(([, entry]) => entry?.value === metadata.type)?.[0];
  const plain = name?.replace('H5T_', '').toLowerCase() ?? 'unknown type';
  return metadata.vlen ? `variable-length ${plain}` : plain;
}

function isBoolean(metadata: Metadata): boolean {
  const members = metadata.enum_type?.members;
  return members !== undefined && members.FALSE === 0 && members.TRUE === 1;
}
