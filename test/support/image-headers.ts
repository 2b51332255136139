import { crc32 } from '../../domain/files/crc32.js';

export type Entry = readonly [tag: number, type: number, count: number, value: number];

export interface Directory {
  entries: readonly Entry[];
  /** Position of the next directory, given those of all; default: none follows. */
  next?: (offsets: readonly number[]) => number;
}

/** The entries of a square image of 256-pixel tiles, and further ones. */
export function tiledEntries(side: number, more: readonly Entry[]): Entry[] {
  const base: Entry[] = [
    [256, 4, 1, side],
    [257, 4, 1, side],
    [258, 3, 1, 8],
    [259, 3, 1, 7],
    [262, 3, 1, 6],
    [277, 3, 1, 3],
    [322, 4, 1, 256],
    [323, 4, 1, 256],
  ];
  return [...base, ...more].sort(([a], [b]) => a - b);
}

/** A classic TIFF of nothing but directories, so that it can state what is not there. */
export function tiffOf(directories: readonly Directory[]): Buffer {
  const sizes = directories.map(({ entries }) => 2 + 12 * entries.length + 4);
  const offsets = sizes.map((_, i) => 8 + sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
  const parts = directories.map(({ entries, next = () => 0 }, i) => {
    const bytes = Buffer.alloc(sizes[i]);
    bytes.writeUInt16LE(entries.length, 0);
    entries.forEach(([tag, type, count, value], at) => {
      bytes.writeUInt16LE(tag, 2 + 12 * at);
      bytes.writeUInt16LE(type, 4 + 12 * at);
      bytes.writeUInt32LE(count, 6 + 12 * at);
      bytes.writeUInt32LE(value, 10 + 12 * at);
    });
    bytes.writeUInt32LE(next(offsets), sizes[i] - 4);
    return bytes;
  });
  return Buffer.concat([Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0]), ...parts]);
}

/** A PNG of one-bit gray. @param rows the compressed rows, which need not fit the size */
export function pngOf(width: number, height: number, rows: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
