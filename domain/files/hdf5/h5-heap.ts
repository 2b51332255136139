/** A global heap collection starts with a signature, a version and three zeros. */
const MAGIC = Buffer.from('GCOL\x01\0\0\0', 'latin1');
const HEAD_BYTES = 16;

/** Reads up to `length` bytes of the file at a position. */
export type ReadAt = (position: number, length: number) => Uint8Array;

/**
 * Whether every global heap collection that starts in `bytes`, which were read at `position`, is sound. These
 * collections store text of variable length. HDF5 loops forever over one whose objects do not advance.
 * Source: "HDF5 File Format Specification", version 3.0, section III.E.
 */
export function areHeapsSound(bytes: Uint8Array, position: number, readAt: ReadAt): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = view.indexOf(MAGIC); at >= 0; at = view.indexOf(MAGIC, at + 1)) {
    if (!isHeapSound(position + at, readAt)) return false;
  }
  return true;
}

function isHeapSound(position: number, readAt: ReadAt): boolean {
  const size = uint64(readAt(position, HEAD_BYTES), 8);
  if (!(size > HEAD_BYTES && size < 2 ** 31)) return false;
  const heap = readAt(position, size);
  // The library refuses a truncated collection.
  if (heap.length < size) return true;
  for (let at = HEAD_BYTES; at + HEAD_BYTES <= size;) {
    const bytes = uint64(heap, at + 8);
    const isFree = heap[at] === 0 && heap[at + 1] === 0;
    // The free space counts its own head.
    if (isFree && bytes < HEAD_BYTES) return false;
    const end = at + (isFree ? bytes : HEAD_BYTES + Math.ceil(bytes / 8) * 8);
    if (end > size) return false;
    at = end;
  }
  return true;
}

function uint64(bytes: Uint8Array, at: number): number {
  if (at + 8 > bytes.length) return NaN;
  return Number(Buffer.from(bytes.buffer, bytes.byteOffset + at, 8).readBigUInt64LE());
}
