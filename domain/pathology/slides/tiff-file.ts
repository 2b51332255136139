import { closeSync, readSync } from 'node:fs';
import { SamMilError } from '../../errors.js';
import { openRegular } from '../../regular-file.js';

/** Bytes per value of each TIFF type. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

/** Types of plain numbers, and of rationals. */
const RATIONAL = 5;
const SIGNED_RATIONAL = 10;

/** SHORT, LONG, IFD, LONG8 and IFD8: the types that can hold a position in a file. */
const POSITION_TYPES = [3, 4, 13, 16, 18];

/** More directories than any slide has. */
const MAX_DIRECTORIES = 4096;

/** The longest text of an entry. OME-XML of a slide has a few kilobytes. */
const MAX_TEXT_BYTES = 64 << 20;

/** What all values together may exceed the size of the file by, because small ones may be shared. */
const SHARED_BYTES = 16 << 20;

/** Reads bytes from a position; fewer at the end. */
type Source = (at: number, length: number) => Buffer;

export interface TiffLayout {
  little: boolean;
  big: boolean;
  /** Offset of the first directory. */
  first: number;
}

export interface TiffEntry {
  tag: number;
  type: number;
  count: number;
  /** Position of the values in the file, and their number of bytes. */
  at: number;
  bytes: number;
}

export interface TiffDirectory {
  entries: TiffEntry[];
  /** End of the directory. */
  end: number;
  /** Offset of the next directory; 0 for none. */
  next: number;
}

/** Reads the layout of a TIFF or BigTIFF from the first bytes of a file; undefined for other files. */
export function tiffLayout(bytes: Buffer): TiffLayout | undefined {
  if (bytes.length < 16) return undefined;
  const order = bytes.toString('latin1', 0, 2);
  if (order !== 'II' && order !== 'MM') return undefined;
  const little = order === 'II';
  const version = unsigned(bytes, 2, 2, little);
  if (version !== 42 && version !== 43) return undefined;
  const big = version === 43;
  return { little, big, first: big ? unsigned(bytes, 8, 8, little) : unsigned(bytes, 4, 4, little) };
}

/**
 * Reads the offset of the first image directory of a TIFF or BigTIFF from the first bytes of a file;
 * undefined for other files.
 */
export function tiffDirectoryOffset(bytes: Buffer): number | undefined {
  return tiffLayout(bytes)?.first;
}

/**
 * Reads directories and values of one TIFF file. Reads past the end of the file return short or empty
 * results. Everything that could make a reader hang or exhaust memory is refused with CorruptSlide: a loop of
 * directories, values of a type that cannot hold them, more values than the file can contain.
 */
export class TiffFile {
  readonly layout: TiffLayout;
  readonly size: number;
  private readonly path: string;
  private readonly source: Source;
  /** In a sound file, values do not overlap, so all of them together are not larger than the file. */
  private budget: number;

  private constructor(path: string, source: Source, size: number, layout: TiffLayout) {
    this.path = path;
    this.source = source;
    this.size = size;
    this.layout = layout;
    this.budget = size + SHARED_BYTES;
  }

  /** Calls `use` with the open file; undefined if it is not a TIFF. */
  static with<Result>(path: string, use: (tiff: TiffFile) => Result): Result | undefined {
    const { descriptor, status } = openRegular(path);
    try {
      const size = Number(status.size);
      const layout = tiffLayout(readBytes(descriptor, 0, Math.min(16, size)));
      const source: Source = (at, length) => readBytes(descriptor, at, length);
      return layout === undefined ? undefined : use(new TiffFile(path, source, size, layout));
    } finally {
      closeSync(descriptor);
    }
  }

  /** Calls `use` with a TIFF in memory, such as EXIF; undefined if it is not one. */
  static within<Result>(bytes: Buffer, use: (tiff: TiffFile) => Result): Result | undefined {
    const layout = tiffLayout(bytes);
    const source: Source = (at, length) => bytes.subarray(at, at + length);
    return layout === undefined ? undefined : use(new TiffFile('EXIF', source, bytes.length, layout));
  }

  /**
   * Reads the directories in order, up to and including the first that is not completely in the file.
   * @throws SamMilError CorruptSlide if they form a loop
   */
  *directories(): Generator<TiffDirectory> {
    const seen = new Set<number>();
    for (let at = this.layout.first; at !== 0;) {
      if (seen.has(at)) {
        throw this.corrupt('its image directories form a loop', 'a last directory', `directory ${at} again`);
      }
      if (seen.size === MAX_DIRECTORIES) {
        throw this.corrupt('it has too many image directories', `at most ${MAX_DIRECTORIES}`, 'more');
      }
      seen.add(at);
      const directory = this.directory(at);
      yield directory;
      at = directory.next;
    }
  }

  directory(at: number): TiffDirectory {
    const { little, big } = this.layout;
    const [countBytes, entryBytes, offsetBytes] = big ? [8, 20, 8] : [2, 12, 4];
    const head = this.read(at, countBytes);
    if (head.length < countBytes) return { entries: [], end: at + countBytes, next: 0 };
    const count = Math.min(unsigned(head, 0, countBytes, little), 0xffff);
    const length = count * entryBytes + offsetBytes;
    const body = this.read(at + countBytes, length);
    const end = at + countBytes + length;
    if (body.length < length) return { entries: [], end, next: 0 };
    const entries = Array.from({ length: count }, (_, index): TiffEntry => {
      const entry = index * entryBytes;
      const type = unsigned(body, entry + 2, 2, little);
      const values = unsigned(body, entry + 4, big ? 8 : 4, little);
      const field = entry + entryBytes - offsetBytes;
      const inline = values * (TYPE_BYTES[type] ?? 0) <= offsetBytes;
      return {
        tag: unsigned(body, entry, 2, little),
        type,
        count: values,
        bytes: values * (TYPE_BYTES[type] ?? 0),
        at: inline ? at + countBytes + field : unsigned(body, field, offsetBytes, little),
      };
    });
    return { entries, end, next: unsigned(body, length - offsetBytes, offsetBytes, little) };
  }

  /**
   * Reads the first `most` numbers of an entry; rationals as quotients.
   * @throws SamMilError CorruptSlide if the entries read so far do not fit in the file
   */
  numbers(entry: TiffEntry, most = 1): Float64Array {
    const { type, at, count } = entry;
    const width = TYPE_BYTES[type] ?? 0;
    if (width === 0) return new Float64Array(0);
    const data = this.values(at, Math.min(count, most) * width);
    const { little } = this.layout;
    const numbers = new Float64Array(Math.floor(data.length / width));
    for (let i = 0; i < numbers.length; i++) {
      if (width === 1) numbers[i] = data[i];
      else if (type !== RATIONAL && type !== SIGNED_RATIONAL) {
        numbers[i] = unsigned(data, i * width, width, little);
      } else numbers[i] = unsigned(data, i * 8, 4, little) / unsigned(data, i * 8 + 4, 4, little);
    }
    return numbers;
  }

  /**
   * Reads all numbers of an entry that holds positions in the file, or sizes of parts of it.
   * @throws SamMilError CorruptSlide for another type; as {@link numbers}
   */
  positions(entry: TiffEntry): Float64Array {
    const { tag, type, count } = entry;
    if (POSITION_TYPES.includes(type)) return this.numbers(entry, count);
    throw this.corrupt(
      `the values of tag ${tag} have the wrong type`,
      `one of the TIFF types ${POSITION_TYPES.join(', ')}`,
      `type ${type}`,
    );
  }

  /** @throws SamMilError CorruptSlide for a text that is too long; as {@link numbers} */
  text({ tag, at, bytes }: TiffEntry): string {
    if (bytes > MAX_TEXT_BYTES) {
      throw this.corrupt(`the text of tag ${tag} is too long`, `at most ${MAX_TEXT_BYTES} bytes`, `${bytes}`);
    }
    return this.values(at, bytes).toString('utf8').replace(/\0.*$/s, '');
  }

  /** Creates the error for a file whose directories contradict themselves. */
  corrupt(what: string, expected: string, found: string): SamMilError {
    return new SamMilError('CorruptSlide', `the slide file is damaged: ${what}`, {
      file: this.path,
      expected,
      found,
      next: 'copy or download the file again and compare its size with the original',
    });
  }

  private values(at: number, length: number): Buffer {
    const bytes = this.read(at, length);
    this.budget -= bytes.length;
    if (this.budget >= 0) return bytes;
    throw this.corrupt(
      'the values of its image directories overlap',
      `at most ${this.size} bytes of values`,
      'more',
    );
  }

  private read(at: number, length: number): Buffer {
    return this.source(at, Math.max(0, Math.min(length, this.size - at)));
  }
}

function readBytes(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, at));
}

/** Reads an unsigned integer of 2, 4 or 8 bytes. */
function unsigned(bytes: Buffer, at: number, width: number, little: boolean): number {
  if (width === 8) return Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  return little ? bytes.readUIntLE(at, width) : bytes.readUIntBE(at, width);
}
