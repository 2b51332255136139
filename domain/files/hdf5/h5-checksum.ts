/**
 * The checksum of HDF5's metadata: Bob Jenkins' lookup3 (`hashlittle`), as in "HDF5 File Format
 * Specification", version 3.0.
 */
export function h5Checksum(bytes: Uint8Array): number {
  const start = (0xdeadbeef + bytes.length) | 0;
  let [a, b, c] = [start, start, start];
  if (bytes.length === 0) return c >>> 0;
  const padded = new Uint8Array(Math.ceil(bytes.length / 12) * 12);
  padded.set(bytes);
  const words = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 12) {
    a = (a + words.getInt32(at, true)) | 0;
    b = (b + words.getInt32(at + 4, true)) | 0;
    c = (c + words.getInt32(at + 8, true)) | 0;
    if (at + 12 < padded.length) [a, b, c] = mixed(a, b, c);
  }
  return last(a, b, c);
}

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function mixed(a: number, b: number, c: number): [number, number, number] {
  for (const [first, second, third] of [
    [4, 6, 8],
    [16, 19, 4],
  ]) {
    a = ((a - c) ^ rotated(c, first)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotated(a, second)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotated(b, third)) | 0;
    b = (b + a) | 0;
  }
  return [a, b, c];
}

function last(a: number, b: number, c: number): number {
  c = ((c ^ b) - rotated(b, 14)) | 0;
  a = ((a ^ c) - rotated(c, 11)) | 0;
  b = ((b ^ a) - rotated(a, 25)) | 0;
  c = ((c ^ b) - rotated(b, 16)) | 0;
  a = ((a ^ c) - rotated(c, 4)) | 0;
  b = ((b ^ a) - rotated(a, 14)) | 0;
  c = ((c ^ b) - rotated(b, 24)) | 0;
  return c >>> 0;
}
