import * as zlib from 'node:zlib';

/** The native function exists since Node 20.15 and 22.2. Earlier supported versions do not have it. */
const native = (zlib as { crc32?: (data: Uint8Array, value?: number) => number }).crc32;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * CRC-32 as in zip and PNG (IEEE 802.3).
 * @param value checksum of the preceding data, to continue it
 */
export function crc32(data: Uint8Array, value = 0): number {
  // zlib starts again at 0 when it is given no bytes.
  if (data.length === 0) return value;
  return native === undefined ? crc32InScript(data, value) : native(data, value);
}

/** Implementation in TypeScript. */
export function crc32InScript(data: Uint8Array, value = 0): number {
  let crc = ~value;
  for (const byte of data) crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}
