import { closeSync, openSync, readSync } from 'node:fs';

const STRIP_OFFSETS = 273;
const STRIP_SIZES = 279;
const TILE_OFFSETS = 324;
const TILE_SIZES = 325;

/** Bytes of a value of each TIFF type. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

/** More directories than any slide has: a chain that goes on is damaged. */
const MAX_DIRECTORIES = 4096;

interface Layout {
  little: boolean;
  big: boolean;
  first: number;
}

interface Entry {
  tag: number;
  type: number;
  count: number;
  /** Where the values lie in the file. */
  at: number;
}

/** Offset of the first image directory of a TIFF or BigTIFF by the file's first bytes; undefined for other files. */
export function tiffDirectoryOffset(bytes: Buffer): number | undefined {
  return layoutOf(bytes)?.first;
}

/**
 * How many bytes a TIFF or BigTIFF needs: the end of the last directory, value, strip or tile that it points at. A file that is shorter was
 * cut off. Undefined for other files. Directories beyond `size` end the walk, as nothing of them can be read. NDPI files beyond 4 GB keep
 * the upper halves of offsets elsewhere: don't ask about those.
 */
export function tiffExtent(path: string, size: number): number | undefined {
  const file = openSync(path, 'r');
  try {
    const read = (at: number, length: number) => {
      const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - at)));
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, at));
    };
    const layout = layoutOf(read(0, 16));
    return layout === undefined ? undefined : walk(layout, size, read);
  } finally {
    closeSync(file);
  }
}

function layoutOf(bytes: Buffer): Layout | undefined {
  if (bytes.length < 16) return undefined;
  const order = bytes.toString('latin1', 0, 2);
  if (order !== 'II' && order !== 'MM') return undefined;
  const little = order === 'II';
  const version = number(bytes, 2, 2, little);
  if (version !== 42 && version !== 43) return undefined;
  const big = version === 43;
  return { little, big, first: big ? number(bytes, 8, 8, little) : number(bytes, 4, 4, little) };
}

type Read = (at: number, length: number) => Buffer;

function walk(layout: Layout, size: number, read: Read): number {
  let extent = 16;
  let at = layout.first;
  for (let directories = 0; at !== 0 && directories < MAX_DIRECTORIES; directories++) {
    const { entries, end, next } = readDirectory(layout, at, read);
    extent = Math.max(extent, end);
    if (end > size) break;
    for (const { type, count, at: values } of entries) {
      extent = Math.max(extent, values + count * (TYPE_BYTES[type] ?? 0));
    }
    if (extent > size) break;
    const dataEnd = Math.max(
      lastByte(layout, entries, STRIP_OFFSETS, STRIP_SIZES, read),
      lastByte(layout, entries, TILE_OFFSETS, TILE_SIZES, read),
    );
    extent = Math.max(extent, dataEnd);
    at = next;
  }
  return extent;
}

function readDirectory(
  { little, big }: Layout,
  at: number,
  read: Read,
): { entries: Entry[]; end: number; next: number } {
  const [countBytes, entryBytes, offsetBytes] = big ? [8, 20, 8] : [2, 12, 4];
  const head = read(at, countBytes);
  if (head.length < countBytes) return { entries: [], end: at + countBytes, next: 0 };
  const count = Math.min(number(head, 0, countBytes, little), 0xffff);
  const length = count * entryBytes + offsetBytes;
  const body = read(at + countBytes, length);
  const end = at + countBytes + length;
  if (body.length < length) return { entries: [], end, next: 0 };
  const entries = Array.from({ length: count }, (_, index): Entry => {
    const entry = index * entryBytes;
    const type = number(body, entry + 2, 2, little);
    const values = number(body, entry + 4, big ? 8 : 4, little);
    const field = entry + entryBytes - offsetBytes;
    const inline = values * (TYPE_BYTES[type] ?? 0) <= offsetBytes;
    return {
      tag: number(body, entry, 2, little),
      type,
      count: values,
      at: inline ? at + countBytes + field : number(body, field, offsetBytes, little),
    };
  });
  return { entries, end, next: number(body, length - offsetBytes, offsetBytes, little) };
}

/** End of the last strip or tile; 0 where the directory has none. */
function lastByte(
  layout: Layout,
  entries: readonly Entry[],
  offsets: number,
  sizes: number,
  read: Read,
): number {
  const [starts, lengths] = [offsets, sizes].map((tag) => {
    const entry = entries.find((candidate) => candidate.tag === tag);
    return entry === undefined ? [] : valuesOf(layout, entry, read);
  });
  let last = 0;
  for (let i = 0; i < Math.min(starts.length, lengths.length); i++)
    last = Math.max(last, starts[i] + lengths[i]);
  return last;
}

function valuesOf({ little }: Layout, { type, count, at }: Entry, read: Read): number[] {
  const width = TYPE_BYTES[type] ?? 0;
  const bytes = read(at, count * width);
  if (width < 2) return [];
  return Array.from({ length: Math.floor(bytes.length / width) }, (_, i) =>
    number(bytes, i * width, width, little),
  );
}

/** An unsigned integer of 2, 4 or 8 bytes. */
function number(bytes: Buffer, at: number, width: number, little: boolean): number {
  if (width === 8) return Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  return little ? bytes.readUIntLE(at, width) : bytes.readUIntBE(at, width);
}
