import type { AtomicFile } from './atomic-file.js';
import { crc32 } from './crc32.js';
import type { FileBytes } from './file-bytes.js';

/**
 * An entry of a zip file: `size` bytes of the file from `offset`. They are the plain content if `packing` is
 * `stored`.
 */
export interface ZipEntry {
  name: string;
  offset: number;
  size: number;
  packing: 'stored' | 'compressed' | 'encrypted';
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const MAX_ENTRIES = 1_000_000;
/**
 * 1980-01-01, the earliest date in the zip format. It is fixed so that equal content produces equal bytes.
 */
const DATE = 0x0021;
const MAX32 = 0xffffffff;

export function isZip(file: FileBytes): boolean {
  return file.size >= 4 && toDataView(file.read(0, 4)).getUint32(0, true) === LOCAL;
}

/**
 * Lists the entries of a zip file, including zip64. An entry is a range of the file, and ranges must not
 * overlap. Nothing is decompressed, so a small file cannot become a large one.
 * @throws SamMilError InvalidInput if the archive is truncated or inconsistent
 */
export function listZip(file: FileBytes): ZipEntry[] {
  const { offset, size, count } = findDirectory(file);
  if (count > MAX_ENTRIES)
    throw file.refusal('has too many entries for a checkpoint', `at most ${MAX_ENTRIES}`, `${count}`);
  const directory = toDataView(file.read(offset, size));
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + 46 > size || directory.getUint32(at, true) !== CENTRAL)
      throw file.refusal('has a damaged zip directory');
    const header = parseCentral(file, directory, at);
    entries.push(locate(file, header));
    at = header.next;
  }
  checkOverlap(file, entries);
  return entries;
}

interface Central {
  name: string;
  size: number;
  packing: ZipEntry['packing'];
  local: number;
  next: number;
}

function findDirectory(file: FileBytes): { offset: number; size: number; count: number } {
  // The end record is followed by a comment of at most 65535 bytes.
  const tailLength = Math.min(file.size, 22 + 65535);
  const tailStart = file.size - tailLength;
  const tail = toDataView(file.read(tailStart, tailLength));
  let at = tailLength - 22;
  while (at >= 0 && tail.getUint32(at, true) !== END) at--;
  if (at < 0)
    throw file.refusal(
      'is a zip file without a directory; it was probably truncated',
      'a complete zip archive',
    );
  const locator = at - 20;
  if (locator >= 0 && tail.getUint32(locator, true) === LOCATOR64) {
    const record = toDataView(file.read(Number(tail.getBigUint64(locator + 8, true)), 56));
    if (record.getUint32(0, true) !== END64) throw file.refusal('has a damaged zip64 directory');
    return {
      count: Number(record.getBigUint64(32, true)),
      size: Number(record.getBigUint64(40, true)),
      offset: Number(record.getBigUint64(48, true)),
    };
  }
  return {
    count: tail.getUint16(at + 10, true),
    size: tail.getUint32(at + 12, true),
    offset: tail.getUint32(at + 16, true),
  };
}

function parseCentral(file: FileBytes, view: DataView, at: number): Central {
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) =>
    view.getUint16(at + offset, true),
  );
  const next = at + 46 + nameLength + extraLength + commentLength;
  if (next > view.byteLength) throw file.refusal('has a damaged zip directory');
  const name = Buffer.from(view.buffer, view.byteOffset + at + 46, nameLength).toString('utf8');
  let [packed, size, local] = [20, 24, 42].map((offset) => view.getUint32(at + offset, true));
  const extra = new DataView(view.buffer, view.byteOffset + at + 46 + nameLength, extraLength);
  const wide = zip64Values(file, extra);
  // The zip64 field contains only the values that did not fit, in this order.
  if (size === MAX32) size = wide();
  if (packed === MAX32) packed = wide();
  if (local === MAX32) local = wide();
  const packing = (flags & 1) !== 0 ? 'encrypted' : method === 0 ? 'stored' : 'compressed';
  if (packing === 'stored' && packed !== size) {
    throw file.refusal(`entry "${name}" has two different sizes`, `${packed}`, `${size}`);
  }
  return { name, size: packed, packing, local, next };
}

function zip64Values(file: FileBytes, extra: DataView): () => number {
  let at = 0;
  while (at + 4 <= extra.byteLength) {
    const length = extra.getUint16(at + 2, true);
    if (extra.getUint16(at, true) === 1) break;
    at += 4 + length;
  }
  let value = at + 4;
  return () => {
    if (value + 8 > extra.byteLength) throw file.refusal('has a damaged zip64 entry');
    value += 8;
    return Number(extra.getBigUint64(value - 8, true));
  };
}

function locate(file: FileBytes, { name, size, packing, local }: Central): ZipEntry {
  const header = toDataView(file.read(local, 30));
  if (header.getUint32(0, true) !== LOCAL)
    throw file.refusal(`entry "${name}" is not at the offset that the directory states`);
  const offset = local + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (offset + size > file.size) {
    throw file.refusal(
      `entry "${name}" does not fit in the file`,
      `${size} bytes at ${offset}`,
      `${file.size} bytes in all`,
    );
  }
  return { name, offset, size, packing };
}

/** Rejects overlapping entries: in a zip bomb of stored entries, many of them share the same bytes. */
function checkOverlap(file: FileBytes, entries: readonly ZipEntry[]): void {
  let end = 0;
  for (const entry of [...entries].sort((a, b) => a.offset - b.offset)) {
    if (entry.offset < end) throw file.refusal(`entry "${entry.name}" overlaps another one`);
    end = entry.offset + entry.size;
  }
}

/**
 * Writes an uncompressed zip file. The content of each entry is aligned to 64 bytes, as torch expects. Dates
 * are fixed.
 */
export class StoredZipWriter {
  private readonly file: AtomicFile;
  private readonly directory: Uint8Array[] = [];

  constructor(file: AtomicFile) {
    this.file = file;
  }

  /**
   * Adds an entry of `size` bytes.
   * @param pieces the content, in one or more pieces
   * @throws RangeError if the pieces are not exactly `size` bytes
   */
  add(name: string, size: number, pieces: Iterable<Uint8Array>): void {
    const start = this.file.offset;
    const nameBytes = Buffer.from(name, 'utf8');
    const wide = size >= MAX32 ? zip64Field([size, size]) : Buffer.alloc(0);
    const before = start + 30 + nameBytes.length + wide.length;
    const padding = paddingField(before);
    const extra = Buffer.concat([wide, padding]);
    const fields = { name: nameBytes, size, wide: wide.length > 0 };
    this.file.append(localHeader({ ...fields, crc: 0 }, extra));
    let crc = 0;
    let written = 0;
    for (const piece of pieces) {
      crc = crc32(piece, crc);
      written += piece.length;
      this.file.append(piece);
    }
    if (written !== size) throw new RangeError(`zip entry "${name}": expected ${size} bytes, got ${written}`);
    this.file.patch(localHeader({ ...fields, crc }, extra), start);
    this.directory.push(centralHeader(nameBytes, size, crc, start));
  }

  /** Writes the directory, which completes the archive. */
  finish(): void {
    const offset = this.file.offset;
    for (const header of this.directory) this.file.append(header);
    const size = this.file.offset - offset;
    const count = this.directory.length;
    if (offset >= MAX32 || count >= 0xffff) this.file.append(end64(count, size, offset));
    const end = Buffer.alloc(22);
    end.writeUInt32LE(END, 0);
    end.writeUInt16LE(Math.min(count, 0xffff), 8);
    end.writeUInt16LE(Math.min(count, 0xffff), 10);
    end.writeUInt32LE(Math.min(size, MAX32), 12);
    end.writeUInt32LE(Math.min(offset, MAX32), 16);
    this.file.append(end);
  }
}

function localHeader(
  entry: { name: Buffer; size: number; wide: boolean; crc: number },
  extra: Uint8Array,
): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(LOCAL, 0);
  writeCommon(
    header,
    4,
    entry.crc,
    entry.wide ? MAX32 : entry.size,
    entry.name.length,
    extra.length,
    entry.wide,
  );
  return Buffer.concat([header, entry.name, extra]);
}

function centralHeader(name: Buffer, size: number, crc: number, local: number): Buffer {
  const values = [...(size >= MAX32 ? [size, size] : []), ...(local >= MAX32 ? [local] : [])];
  const extra = values.length > 0 ? zip64Field(values) : Buffer.alloc(0);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(CENTRAL, 0);
  header.writeUInt16LE(values.length > 0 ? 45 : 20, 4);
  writeCommon(header, 6, crc, Math.min(size, MAX32), name.length, extra.length, values.length > 0);
  header.writeUInt32LE(Math.min(local, MAX32), 42);
  return Buffer.concat([header, name, extra]);
}

/**
 * Writes the fields that local and central headers share: version, flags, method, time, date, checksum,
 * sizes, lengths.
 */
function writeCommon(
  header: Buffer,
  at: number,
  crc: number,
  size: number,
  nameLength: number,
  extraLength: number,
  wide: boolean,
): void {
  header.writeUInt16LE(wide ? 45 : 20, at);
  header.writeUInt16LE(0x0800, at + 2);
  header.writeUInt16LE(DATE, at + 8);
  header.writeUInt32LE(crc, at + 10);
  header.writeUInt32LE(size, at + 14);
  header.writeUInt32LE(size, at + 18);
  header.writeUInt16LE(nameLength, at + 22);
  header.writeUInt16LE(extraLength, at + 24);
}

function zip64Field(values: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + values.length * 8);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(values.length * 8, 2);
  values.forEach((value, index) => field.writeBigUInt64LE(BigInt(value), 4 + index * 8));
  return field;
}

/** The padding field of torch, "FB", which aligns the content to a multiple of 64 bytes. */
function paddingField(before: number): Buffer {
  const length = (64 - ((before + 4) % 64)) % 64;
  const field = Buffer.alloc(4 + length, 'Z');
  field.write('FB', 0, 'latin1');
  field.writeUInt16LE(length, 2);
  return field;
}

function end64(count: number, size: number, offset: number): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(END64, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(45, 12);
  record.writeUInt16LE(45, 14);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(size), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  record.writeUInt32LE(LOCATOR64, 56);
  record.writeBigUInt64LE(BigInt(offset + size), 64);
  record.writeUInt32LE(1, 72);
  return record;
}

function toDataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
