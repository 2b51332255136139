import h5wasm, { type Metadata } from 'h5wasm/node';
import type { Dtype } from '../tensor.js';

/** The HDF5 library, compiled to WebAssembly. It works on the host's files directly and its calls are synchronous. */
export const hdf5: Awaited<typeof h5wasm.ready> = await h5wasm.ready;

interface Stream {
  fd?: number;
}
type FileCall = (
  stream: Stream,
  buffer: Uint8Array,
  offset: number,
  length: number,
  ...rest: unknown[]
) => number;

interface Files {
  write: FileCall;
  read: FileCall;
  open: (path: string, ...rest: unknown[]) => unknown;
  ErrnoError: new (code: number) => Error;
}

/** ENOENT, as the library's file system counts. */
const NO_ENTRY = 44;

let diagnosis = '';
let asked: string | undefined;
let strange = '';
let lent: { start: number; bytes: Uint8Array; passed: number } | undefined;
interceptFiles();

/**
 * HDF5 reports failure as text on stderr, and the wrapper often drops the status. Everything the library writes there is kept here instead:
 * {@link checked} turns it into an exception, and nobody's terminal is flooded. What it reads or writes by itself out of the memory that
 * {@link passThrough} lends goes straight between the file and the caller's own memory.
 */
function interceptFiles(): void {
  const files = hdf5.FS as unknown as Files;
  const { write, read, open } = files;
  files.open = (path, ...rest) => {
    if (path === asked) return open(path, ...rest);
    strange = path;
    throw new files.ErrnoError(NO_ENTRY);
  };
  const passed =
    (original: FileCall): FileCall =>
    (stream, buffer, offset, length, ...rest) => {
      const start = lent === undefined ? -1 : offset - lent.start;
      if (lent === undefined || start < 0 || start + length > lent.bytes.length)
        return original(stream, buffer, offset, length, ...rest);
      const count = original(stream, lent.bytes, start, length, ...rest);
      lent.passed += count;
      return count;
    };
  const passedWrite = passed(write);
  files.read = passed(read);
  files.write = (stream, buffer, offset, length, ...rest) => {
    if (stream.fd !== 2) return passedWrite(stream, buffer, offset, length, ...rest);
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

/**
 * Opens the file at `path`, and no other: a file may say that its values lie elsewhere (external storage, virtual datasets, links), where its digest
 * does not reach, or where nobody meant to look. {@link checked} refuses what such a file refers to.
 */
export function openingOnly<T>(path: string, open: () => T): T {
  asked = path;
  try {
    return open();
  } finally {
    asked = undefined;
  }
}

/** Runs library calls; any failure that HDF5 reports in them is thrown. @throws Hdf5Failure */
export function checked<T>(calls: () => T): T {
  strange = '';
  const { result, report } = reported(calls);
  if (strange !== '') {
    throw new Hdf5Failure(`its values lie in another file, ${strange}: copy them into this one`);
  }
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

/** HDF5 gathers smaller pieces in a buffer of its own (64 KiB), so there is nothing to gain. */
const WORTH_PASSING = 128 << 10;

/**
 * Whether the values lie in the file as they lie in memory, in one piece. HDF5 turns those of another byte order round where it has put them, which is
 * not where we look; and what is put into chunks as a trial may be packed, or is read and unpacked for nothing.
 */
export function isPlain(metadata: Metadata): boolean {
  return metadata.littleEndian && metadata.chunks === null && numericDtype(metadata) !== undefined;
}

/**
 * Calls the library for the values of a dataset that {@link isPlain}, with a pointer to memory that stands for `bytes`, which are not copied there: an array that lies in the file
 * as one piece is read and written by one call of the operating system, and that one gets `bytes` itself. Twice as fast as through the library's heap.
 *
 * @returns false where the library did anything else with its memory: then nothing that it read or wrote counts, and
 *   the caller copies
 */
export function passThrough(bytes: Uint8Array, use: (pointer: number) => void): boolean {
  if (bytes.length < WORTH_PASSING) return false;
  let whole = false;
  withLibraryMemory(bytes.length, (pointer) => {
    lent = { start: pointer, bytes, passed: 0 };
    try {
      use(pointer);
      whole = lent.passed === bytes.length;
    } finally {
      lent = undefined;
    }
  });
  return whole;
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
