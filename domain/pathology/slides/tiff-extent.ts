import { TiffFile, type TiffEntry } from './tiff-file.js';

const STRIP_OFFSETS = 273;
const STRIP_SIZES = 279;
const TILE_OFFSETS = 324;
const TILE_SIZES = 325;

/** More directories than any slide has. A longer chain is damaged. */
const MAX_DIRECTORIES = 4096;

/**
 * Returns the number of bytes that a TIFF or BigTIFF requires: the end of the last directory, value, strip or
 * tile that it refers to. A shorter file is truncated. Undefined for other files. The walk ends at
 * directories past the end of the file, which cannot be read. Not valid for NDPI files over 4 GB, which store
 * the upper halves of offsets elsewhere.
 */
export function tiffExtent(path: string): number | undefined {
  return TiffFile.with(path, walk);
}

function walk(tiff: TiffFile): number {
  let extent = 16;
  let at = tiff.layout.first;
  for (let directories = 0; at !== 0 && directories < MAX_DIRECTORIES; directories++) {
    const { entries, end, next } = tiff.directory(at);
    extent = Math.max(extent, end);
    if (end > tiff.size) break;
    for (const entry of entries) extent = Math.max(extent, entry.at + entry.bytes);
    if (extent > tiff.size) break;
    const dataEnd = Math.max(
      lastByte(tiff, entries, STRIP_OFFSETS, STRIP_SIZES),
      lastByte(tiff, entries, TILE_OFFSETS, TILE_SIZES),
    );
    extent = Math.max(extent, dataEnd);
    at = next;
  }
  return extent;
}

/** End of the last strip or tile; 0 if the directory has none. */
function lastByte(tiff: TiffFile, entries: readonly TiffEntry[], offsets: number, sizes: number): number {
  const [starts, lengths] = [offsets, sizes].map((tag) => {
    const entry = entries.find((candidate) => candidate.tag === tag);
    return entry === undefined ? [] : tiff.numbers(entry);
  });
  let last = 0;
  for (let i = 0; i < Math.min(starts.length, lengths.length); i++) {
    last = Math.max(last, starts[i] + lengths[i]);
  }
  return last;
}
