import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** Bytes per value of each TIFF type. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

/** Types of plain numbers, and of rationals. */
const RATIONAL = 5;
const SIGNED_RATIONAL = 10;

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
 * results.
 */
export class TiffFile {
  readonly layout: TiffLayout;
  readonly size: number;
  private readonly file: number;

  private constructor(file: number, size: number, layout: TiffLayout) {
    this.file = file;
    this.size = size;
    this.layout = layout;
  }

  /** Calls `use` with the open file; undefined if it is not a TIFF. */
  static with<Result>(path: string, use: (tiff: TiffFile) => Result): Result | undefined {
    const file = openSync(path, 'r');
    try {
      const { size } = statSync(path);
      const layout = tiffLayout(readBytes(file, 0, Math.min(16, size)));
      return layout === undefined ? undefined : use(new TiffFile(file, size, layout));
    } finally {
      closeSync(file);
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

  /** Reads the numbers of an entry; rationals as quotients. */
  numbers({ type, at, bytes }: TiffEntry): number[] {
    const width = TYPE_BYTES[type] ?? 0;
    if (width === 0) return [];
    const data = this.read(at, bytes);
    const { little } = this.layout;
    return Array.from({ length: Math.floor(data.length / width) }, (_, i) => {
      if (width === 1) return data[i];
      if (type !== RATIONAL && type !== SIGNED_RATIONAL) return unsigned(data, i * width, width, little);
      return unsigned(data, i * 8, 4, little) / unsigned(data, i * 8 + 4, 4, little);
    });
  }

  text({ at, bytes }: TiffEntry): string {
    return this.read(at, bytes).toString('utf8').replace(/\0.*$/s, '');
  }

  private read(at: number, length: number): Buffer {
    return readBytes(this.file, at, Math.max(0, Math.min(length, this.size - at)));
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
