import type { FileBytes } from '../file-bytes.js';

const SIGNATURE = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * The structures of an HDF5 file, read by position without the library, which does not tell where the values
 * of a dataset are stored, or whether they are. Source: "HDF5 File Format Specification", version 3.0,
 * https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
 */
export class H5Bytes {
  readonly file: FileBytes;
  /** Bytes of an address, and of a length. */
  readonly addressBytes: number;
  readonly lengthBytes: number;
  /** Position that addresses count from: a user block may precede the file. */
  private readonly base: number;

  /** @throws SamMilError InvalidInput if the file has no superblock */
  constructor(file: FileBytes) {
    this.file = file;
    this.base = findSignature(file);
    const head = file.read(this.base, Math.min(16, file.size - this.base));
    const [version] = head.subarray(8);
    // Versions 0 and 1 have a field for each part of the format before the sizes.
    [this.addressBytes, this.lengthBytes] = version < 2 ? head.subarray(13, 15) : head.subarray(9, 11);
    if (![this.addressBytes, this.lengthBytes].every((size) => [2, 4, 8].includes(size))) {
      throw file.refusal('is a damaged HDF5 file', 'addresses of 2, 4 or 8 bytes', `${this.addressBytes}`);
    }
  }

  /** Returns a cursor over `length` bytes at an address. */
  at(address: number, length: number): H5Cursor {
    const start = this.base + address;
    return new H5Cursor(this, this.file.read(start, length), start);
  }

  /** Bytes of the file after the position that addresses count from. */
  get size(): number {
    return this.file.size - this.base;
  }
}

/** Reads little-endian fields one after the other. */
export class H5Cursor {
  position = 0;
  /** Position of the bytes in the file. */
  readonly start: number;
  private readonly file: H5Bytes;
  private readonly bytes: Uint8Array;

  constructor(file: H5Bytes, bytes: Uint8Array, start: number) {
    this.file = file;
    this.bytes = bytes;
    this.start = start;
  }

  get left(): number {
    return this.bytes.length - this.position;
  }

  /** An unsigned integer of 1 to 8 bytes. Above 2^53, it is only approximate. */
  uint(size: number): number {
    this.require(size);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.bytes[this.position + i];
    this.position += size;
    return value;
  }

  /** An address; undefined if nothing was stored, which all bits set mean. */
  address(): number | undefined {
    const size = this.file.addressBytes;
    this.require(size);
    const unset = this.bytes.subarray(this.position, this.position + size).every((byte) => byte === 0xff);
    const value = this.uint(size);
    return unset ? undefined : value;
  }

  length(): number {
    return this.uint(this.file.lengthBytes);
  }

  /** Four characters that begin a structure. */
  signature(): string {
    return String.fromCharCode(...Array.from({ length: 4 }, () => this.uint(1)));
  }

  skip(bytes: number): void {
    this.require(bytes);
    this.position += bytes;
  }

  /** Returns a cursor over the next `length` bytes, and moves past them. */
  part(length: number): H5Cursor {
    this.require(length);
    this.position += length;
    const from = this.position - length;
    return new H5Cursor(this.file, this.bytes.subarray(from, this.position), this.start + from);
  }

  private require(size: number): void {
    if (size <= this.left) return;
    throw this.file.file.refusal('is a damaged HDF5 file', 'a complete structure', `${this.left} bytes left`);
  }
}

function findSignature(file: FileBytes): number {
  for (let at = 0; at + 16 <= file.size; at = at === 0 ? 512 : at * 2) {
    if (SIGNATURE.equals(file.read(at, SIGNATURE.length))) return at;
  }
  throw file.refusal('is not an HDF5 file', 'the HDF5 signature at its beginning');
}
