import type { H5Bytes, H5Cursor } from './h5-bytes.js';

/** How a dataset is stored, as its object header states. */
export type Layout =
  | { kind: 'compact'; bytes: number }
  | { kind: 'contiguous'; address: number | undefined; bytes: number | undefined }
  | { kind: 'chunked'; index: ChunkIndex; address: number | undefined }
  /** The values are in other files, or in other datasets. */
  | { kind: 'elsewhere' };

export interface ChunkIndex {
  type: 'btree1' | 'single' | 'implicit' | 'fixed-array' | 'extensible-array' | 'btree2';
  /** Rank + 1: the element counts as an axis. */
  axes: number;
  /** Stored bytes of a single filtered chunk. */
  bytes?: number;
}

const CONTINUATION = 0x10;
const LAYOUT = 0x08;
const EXTERNAL_FILES = 0x07;

/** More blocks than any object header has. */
const MAX_BLOCKS = 1000;

interface Message {
  type: number;
  /** The data are the place of a message in another header. */
  shared: boolean;
  data: H5Cursor;
}

/**
 * Reads the layout of a dataset from its object header.
 * @throws SamMilError InvalidInput if the header is damaged
 */
export function readLayout(file: H5Bytes, header: number): Layout {
  let found: Layout | undefined;
  for (const { type, data } of messages(file, header)) {
    if (type === EXTERNAL_FILES) return { kind: 'elsewhere' };
    if (type === LAYOUT) found = parseLayout(file, data);
  }
  if (found === undefined) throw file.file.refusal('is a damaged HDF5 file', 'a dataset with a layout');
  return found;
}

/** Reads the messages of an object header, with those of its continuations. */
export function* messages(file: H5Bytes, header: number): Generator<Message> {
  const start = file.at(header, Math.min(64, file.size - header));
  const modern = start.signature() === 'OHDR';
  const blocks = [modern ? modernHeader(file, header, start) : oldHeader(file, header, start)];
  for (let i = 0; i < blocks.length; i++) {
    const { cursor, ordered } = blocks[i];
    const headBytes = modern ? (ordered ? 6 : 4) : 8;
    while (cursor.left >= headBytes) {
      const type = cursor.uint(modern ? 1 : 2);
      const size = cursor.uint(2);
      const shared = (cursor.uint(1) & 2) !== 0;
      cursor.skip(headBytes - (modern ? 4 : 5));
      const data = cursor.part(size);
      if (type !== CONTINUATION) yield { type, shared, data };
      else {
        if (blocks.length === MAX_BLOCKS)
          throw file.file.refusal('is a damaged HDF5 file: a header has no end');
        blocks.push({ cursor: continuation(file, data, modern), ordered });
      }
    }
  }
}

interface Block {
  cursor: H5Cursor;
  /** Messages have a creation order. */
  ordered: boolean;
}

function modernHeader(file: H5Bytes, header: number, start: H5Cursor): Block {
  start.skip(1);
  const flags = start.uint(1);
  if (flags & 0x20) start.skip(16);
  if (flags & 0x10) start.skip(4);
  const size = start.uint(1 << (flags & 3));
  return { cursor: file.at(header + start.position, size), ordered: (flags & 4) !== 0 };
}

function oldHeader(file: H5Bytes, header: number, start: H5Cursor): Block {
  // The version, a reserved byte and the number of messages were read as the signature.
  start.skip(4);
  return { cursor: file.at(header + 16, start.uint(4)), ordered: false };
}

function continuation(file: H5Bytes, data: H5Cursor, modern: boolean): H5Cursor {
  const address = data.address() ?? 0;
  const length = data.length();
  // A signature before and a checksum after the messages.
  return modern ? file.at(address + 4, Math.max(0, length - 8)) : file.at(address, length);
}

function parseLayout(file: H5Bytes, data: H5Cursor): Layout {
  const version = data.uint(1);
  if (version < 3) return oldLayout(data);
  if (version > 5) {
    throw file.file.refusal(
      'uses an HDF5 feature that is not supported',
      'layout version 1 to 5',
      `${version}`,
    );
  }
  const kind = data.uint(1);
  if (kind === 0) return { kind: 'compact', bytes: data.uint(2) };
  if (kind === 1) return { kind: 'contiguous', address: data.address(), bytes: data.length() };
  if (kind === 2) return version === 3 ? chunkedLayout(data) : indexedLayout(file, data);
  return { kind: 'elsewhere' };
}

/** Versions 1 and 2 state the sizes of the axes, and no number of bytes. */
function oldLayout(data: H5Cursor): Layout {
  const axes = data.uint(1);
  const kind = data.uint(1);
  data.skip(5);
  if (kind === 1) return { kind: 'contiguous', address: data.address(), bytes: undefined };
  if (kind === 2) return { kind: 'chunked', index: { type: 'btree1', axes }, address: data.address() };
  data.skip(axes * 4);
  return { kind: 'compact', bytes: data.uint(4) };
}

function chunkedLayout(data: H5Cursor): Layout {
  const axes = data.uint(1);
  return { kind: 'chunked', index: { type: 'btree1', axes }, address: data.address() };
}

/** Index types of layout version 4, from 1, with the bytes of their parameters. */
const INDEXES = [
  ['single', 0],
  ['implicit', 0],
  ['fixed-array', 1],
  ['extensible-array', 5],
  ['btree2', 6],
] as const;

function indexedLayout(file: H5Bytes, data: H5Cursor): Layout {
  const flags = data.uint(1);
  const axes = data.uint(1);
  data.skip(axes * data.uint(1));
  const number = data.uint(1);
  const known = INDEXES[number - 1] as (typeof INDEXES)[number] | undefined;
  if (known === undefined)
    throw file.file.refusal('is a damaged HDF5 file', 'a chunk index of type 1 to 5', `${number}`);
  const [type, parameters] = known;
  data.skip(parameters);
  const filtered = type === 'single' && (flags & 2) !== 0;
  const bytes = filtered ? data.length() : undefined;
  if (filtered) data.skip(4);
  return {
    kind: 'chunked',
    index: { type, axes, ...(bytes !== undefined && { bytes }) },
    address: data.address(),
  };
}
