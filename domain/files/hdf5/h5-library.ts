import type h5wasm from 'h5wasm/node';
import type { Metadata } from 'h5wasm/node';
import type { Dtype } from '../tensor.js';
import { areHeapsSound, type ReadAt } from './h5-heap.js';

let isLoaded = false;
/**
 * The HDF5 library, compiled to WebAssembly. It accesses the host's files directly; its calls are
 * synchronous.
 */
export const hdf5: Awaited<typeof h5wasm.ready> = await loadLibrary();

interface Stream {
  fd?: number;
  position: number;
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

/** The number of ENOENT in the library's file system. */
const NO_ENTRY = 44;
/** The number of EIO. */
const READ_FAILED = 29;

let diagnosis = '';
let allowedPath: string | undefined;
let foreignPath = '';
let damagedHeap = false;
let lent: { start: number; bytes: Uint8Array; passed: number } | undefined;
interceptFiles();
// HDF5 looks into its folders of plugins whenever a file or a filter fails, which would hide its own reason.
for (let count = hdf5.get_plugin_search_paths().length; count > 0; count--) hdf5.remove_plugin_search_path(0);

/**
 * The library keeps the `console.error` that it finds while it loads, and calls it when it calls abort():
 * that is reported as an error, so the line would only disturb the terminal.
 */
async function loadLibrary(): ReturnType<typeof load> {
  const { error } = console;
  console.error = (...parts) => (isLoaded ? undefined : error(...parts));
  try {
    return await load();
  } finally {
    console.error = error;
    isLoaded = true;
  }
}

async function load(): Promise<Awaited<typeof h5wasm.ready>> {
  return (await import('h5wasm/node')).default.ready;
}

/**
 * HDF5 reports failures as text on stderr, and the wrapper often drops the status. That text is collected
 * here, so that {@link checked} can throw it and the terminal stays clean. Reads and writes in the memory
 * that {@link passThrough} lends go directly between the file and the caller's memory.
 */
function interceptFiles(): void {
  const files = hdf5.FS as unknown as Files;
  const { write, read, open } = files;
  files.open = (path, ...rest) => {
    if (path === allowedPath) return open(path, ...rest);
    foreignPath = path;
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
  const passedRead = passed(read);
  files.read = (stream, buffer, offset, length, ...rest) => {
    // The values of a plain array are no part of the structure of the file.
    if (lent !== undefined) return passedRead(stream, buffer, offset, length, ...rest);
    const position = (rest[0] as number | undefined) ?? stream.position;
    const count = read(stream, buffer, offset, length, ...rest);
    const bytes = buffer.subarray(offset, offset + count);
    const readAt: ReadAt = (start, size) => {
      const part = new Uint8Array(size);
      return part.subarray(0, read(stream, part, 0, size, start));
    };
    if (areHeapsSound(bytes, Number(position), readAt)) return count;
    damagedHeap = true;
    throw new files.ErrnoError(READ_FAILED);
  };
  files.write = (stream, buffer, offset, length, ...rest) => {
    if (stream.fd !== 2) return passedWrite(stream, buffer, offset, length, ...rest);
    diagnosis += Buffer.from(buffer.subarray(offset, offset + length)).toString('utf8');
    return length;
  };
}

/** A failed HDF5 call. `report` is all error output, `reason` its innermost line, or a missing filter. */
export class Hdf5Failure extends Error {
  readonly report: string;
  readonly reason: string;

  constructor(report: string) {
    const lines = [...report.matchAll(/^ *#\d+: .*? line \d+ in \w+\(\): (.*)$/gm)].map((match) => match[1]);
    const filter = /required filter '([^';]*)/.exec(report)?.[1];
    const reason =
      filter === undefined
        ? (lines.at(-1) ?? report.trim()).replace(/: time = .*$/s, '')
        : `its filter ${filter} is not built in`;
    super(reason);
    this.name = 'Hdf5Failure';
    this.report = report;
    this.reason = reason;
  }
}

/**
 * Allows the library to open only the file at `path`. An HDF5 file may refer to values in other files
 * (external storage, virtual datasets, links), which its digest does not cover and the user did not name.
 * {@link checked} throws if it does.
 */
export function openingOnly<T>(path: string, open: () => T): T {
  allowedPath = path;
  try {
    return open();
  } finally {
    allowedPath = undefined;
  }
}

/**
 * Runs library calls and throws any failure that HDF5 reports.
 * @throws Hdf5Failure
 */
export function checked<T>(calls: () => T): T {
  foreignPath = '';
  damagedHeap = false;
  const { result, report } = reported(() => soundly(calls));
  if (foreignPath !== '') {
    throw new Hdf5Failure(`its values are in another file, ${foreignPath}: copy them into this one`);
  }
  if (report.includes('HDF5-DIAG')) throw new Hdf5Failure(report);
  return result;
}

/** The library calls abort() where it cannot read a part that it considers present. */
function soundly<T>(calls: () => T): T {
  try {
    return calls();
  } finally {
    if (damagedHeap) refuseHeap();
  }
}

function refuseHeap(): never {
  throw new Hdf5Failure('its text of variable length is damaged');
}

/**
 * Runs library calls whose failure is an expected result, such as "no such name". The report is discarded.
 */
export function quietly<T>(calls: () => T): T {
  return reported(calls).result;
}

/**
 * Returns the result of the calls and the report that HDF5 wrote during them. The report of an enclosing call
 * is preserved.
 */
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
 * Like {@link checked}, with the clock at zero. HDF5 stores the creation time of every object and the wrapper
 * cannot turn that off, but equal inputs must produce equal bytes.
 * @throws Hdf5Failure
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

/** Number of bytes of a dataset that are in the library's memory at a time. */
export const BLOCK_BYTES = 8 << 20;

/**
 * Allocates `bytes` bytes of the library's memory for the duration of `use`. Read `hdf5.HEAPU8` again after
 * each call, because the heap moves when it grows.
 * @throws RangeError if there is not enough memory
 */
export function withLibraryMemory(bytes: number, use: (pointer: number) => void): void {
  const pointer = hdf5._malloc(Math.max(1, bytes));
  if (pointer === 0) throw new RangeError(`no memory for ${bytes} bytes`);
  try {
    use(pointer);
  } finally {
    hdf5._free(pointer);
  }
}

/** HDF5 collects smaller pieces in its own buffer (64 KiB), so passing them through saves nothing. */
const MIN_PASSED_BYTES = 128 << 10;

/**
 * Whether the values are stored in one piece in the same form as in memory. HDF5 swaps bytes in its own
 * memory, where the lent array does not see it, and chunks may be compressed.
 */
export function isPlain(metadata: Metadata): boolean {
  return metadata.littleEndian && metadata.chunks === null && numericDtype(metadata) !== undefined;
}

/**
 * Reads or writes the values of a dataset that {@link isPlain} without copying. The library gets a pointer
 * that represents `bytes`. An array that is stored in one piece is read or written by a single system call,
 * which receives `bytes` itself. This is twice as fast as through the library's heap.
 *
 * @returns false if the library used its memory in any other way; then nothing that it read or wrote is
 *   valid, and the caller must copy
 */
export function passThrough(bytes: Uint8Array, use: (pointer: number) => void): boolean {
  if (bytes.length < MIN_PASSED_BYTES) return false;
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

/**
 * Element type of a dataset by its class and size; undefined if it is not an array of numbers (strings,
 * compounds, variable-length lists). {@link readNumberForm} tells floats of one size apart.
 */
export function numericDtype(metadata: Metadata): Dtype | undefined {
  const { H5T_INTEGER, H5T_FLOAT, H5T_ENUM } = hdf5.H5T_class_t;
  const bits = metadata.size * 8;
  if (metadata.type === H5T_INTEGER.value && [8, 16, 32, 64].includes(bits))
    return `${metadata.signed ? 'int' : 'uint'}${bits}` as Dtype;
  if (metadata.type === H5T_FLOAT.value && [16, 32, 64].includes(bits)) return `float${bits}` as Dtype;
  if (metadata.type === H5T_ENUM.value && metadata.size === 1 && isBoolean(metadata)) return 'bool';
  return undefined;
}

/** The name of a type in error messages. */
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
