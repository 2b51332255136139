import type { H5Bytes } from './h5-bytes.js';
import type { ChunkIndex } from './h5-layout.js';

/** What the chunk index of a dataset states. */
export interface StoredChunks {
  /** Number of chunks that were stored; at most that for an extensible array. */
  count: number;
  /** Stored bytes of each chunk; absent if the index does not state them. */
  sizes?: readonly number[];
}

/**
 * Reads the index of the chunks of a dataset.
 * @param expected number of chunks of the shape
 * @throws SamMilError InvalidInput if the index is damaged
 */
export function storedChunks(
  file: H5Bytes,
  { type, axes, bytes }: ChunkIndex,
  address: number | undefined,
  expected: number,
): StoredChunks {
  if (address === undefined) return { count: 0, sizes: [] };
  switch (type) {
    case 'btree1':
      return walkTree(file, address, axes, expected);
    case 'single':
      return { count: 1, ...(bytes !== undefined && { sizes: [bytes] }) };
    case 'implicit':
      return { count: expected };
    case 'fixed-array':
      return readFixedArray(file, address);
    case 'extensible-array':
      return { count: readHighestIndex(file, address) };
    case 'btree2':
      return { count: readRecordCount(file, address) };
  }
}

/** A version 1 B-tree: its leaves have the chunks with their sizes. Each node and chunk counts once. */
function walkTree(file: H5Bytes, root: number, axes: number, expected: number): StoredChunks {
  const sizes: number[] = [];
  const nodes = new Set<number>();
  const chunks = new Set<number>();
  const pending = [root];
  const keyBytes = 8 + 8 * axes;
  const headBytes = 8 + 2 * file.addressBytes;
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (nodes.has(node)) throw damaged(file, 'its chunk index forms a loop');
    nodes.add(node);
    const head = file.at(node, headBytes);
    if (head.signature() !== 'TREE' || head.uint(1) !== 1)
      throw damaged(file, 'its chunk index is malformed');
    const level = head.uint(1);
    const entries = head.uint(2);
    const body = file.at(node + headBytes, entries * (keyBytes + file.addressBytes));
    for (let i = 0; i < entries; i++) {
      const size = body.uint(4);
      body.skip(keyBytes - 4);
      const child = body.address();
      if (child === undefined) continue;
      if (level > 0) pending.push(child);
      else {
        if (chunks.has(child)) throw damaged(file, 'two chunks are stored in the same place');
        if (child + size > file.size) throw damaged(file, 'a chunk is outside the file');
        chunks.add(child);
        sizes.push(size);
      }
    }
    if (sizes.length > expected) throw damaged(file, 'it has more chunks than its shape');
  }
  return { count: sizes.length, sizes };
}

/** Entries of a page, a power of two, are followed by a checksum. */
const CHECKSUM_BYTES = 4;

function readFixedArray(file: H5Bytes, address: number): StoredChunks {
  const head = file.at(address, 8 + file.lengthBytes + file.addressBytes);
  if (head.signature() !== 'FAHD') throw damaged(file, 'its chunk index is malformed');
  head.skip(2);
  const entryBytes = head.uint(1);
  const page = 2 ** head.uint(1);
  const entries = head.length();
  const block = head.address();
  if (block === undefined) return { count: 0 };
  const pages = entries > page ? Math.ceil(entries / page) : 0;
  const prefix = 6 + file.addressBytes + (pages > 0 ? Math.ceil(pages / 8) + CHECKSUM_BYTES : 0);
  const body = file.at(block + prefix, entries * entryBytes + Math.max(0, pages - 1) * CHECKSUM_BYTES);
  let count = 0;
  for (let i = 0; i < entries; i++) {
    if (pages > 0 && i > 0 && i % page === 0) body.skip(CHECKSUM_BYTES);
    const entry = body.part(entryBytes);
    // The pages of an array that was only partly written are all zeros.
    if ((entry.address() ?? 0) !== 0) count++;
  }
  return { count };
}

/** One more than the highest index that was stored. */
function readHighestIndex(file: H5Bytes, address: number): number {
  const head = file.at(address, 12 + 6 * file.lengthBytes);
  if (head.signature() !== 'EAHD') throw damaged(file, 'its chunk index is malformed');
  head.skip(8 + 4 * file.lengthBytes);
  return head.length();
}

function readRecordCount(file: H5Bytes, address: number): number {
  const head = file.at(address, 18 + file.addressBytes + file.lengthBytes);
  if (head.signature() !== 'BTHD') throw damaged(file, 'its chunk index is malformed');
  head.skip(12 + file.addressBytes + 2);
  return head.length();
}

function damaged(file: H5Bytes, what: string) {
  return file.file.refusal(`is a damaged HDF5 file: ${what}`);
}
