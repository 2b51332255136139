import { crc32 } from '../../../domain/files/crc32.js';

type Entry = readonly [tag: number, type: number, count: number, value: number];

/**
 * A classic TIFF with one directory: a square image of 256-pixel tiles and further entries.
 * @param next position of the next directory
 */
export function tiffOf(side: number, more: readonly Entry[], next: number): Buffer {
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
  const entries = [...base, ...more].sort(([a], [b]) => a - b);
  const bytes = Buffer.alloc(8 + 2 + 12 * entries.length + 4);
  bytes.set([0x49, 0x49, 42, 0, 8, 0, 0, 0]);
  bytes.writeUInt16LE(entries.length, 8);
  entries.forEach(([tag, type, count, value], i) => {
    const at = 10 + 12 * i;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(type, at + 2);
    bytes.writeUInt32LE(count, at + 4);
    bytes.writeUInt32LE(value, at + 8);
  });
  bytes.writeUInt32LE(next, bytes.length - 4);
  return bytes;
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
