import { TiffFile, type TiffDirectory } from './tiff-file.js';

const TAGS = {
  width: 256,
  height: 257,
  stripOffsets: 273,
  rowsPerStrip: 278,
  stripSizes: 279,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileSizes: 325,
} as const;

/** Fewest bytes that the offset of a tile or strip takes. */
const OFFSET_BYTES = 2;

/**
 * Returns the number of bytes that a TIFF or BigTIFF requires: the end of the last directory, value, strip or
 * tile that it refers to. A shorter file is truncated. Undefined for other files. The walk ends at
 * directories past the end of the file, which cannot be read. Not valid for NDPI files over 4 GB, which store
 * the upper halves of offsets elsewhere.
 * @throws SamMilError CorruptSlide if directories form a loop, values have impossible types, or an image has
 *   more tiles than the file can contain
 */
export function tiffExtent(path: string): number | undefined {
  return TiffFile.with(path, walk);
}

function walk(tiff: TiffFile): number {
  let extent = 16;
  for (const { entries, end } of tiff.directories()) {
    extent = Math.max(extent, end);
    if (end > tiff.size) break;
    for (const entry of entries) extent = Math.max(extent, entry.at + entry.bytes);
    if (extent > tiff.size) break;
    refuseImpossibleGrid(tiff, entries);
    extent = Math.max(
      extent,
      lastByte(tiff, entries, TAGS.stripOffsets, TAGS.stripSizes),
      lastByte(tiff, entries, TAGS.tileOffsets, TAGS.tileSizes),
    );
  }
  return extent;
}

type Entries = TiffDirectory['entries'];

function refuseImpossibleGrid(tiff: TiffFile, entries: Entries): void {
  const value = (tag: number): number | undefined => {
    const entry = entries.find((candidate) => candidate.tag === tag);
    return entry && tiff.numbers(entry)[0];
  };
  const [width = 0, height = 0] = [value(TAGS.width), value(TAGS.height)];
  const [w = width, h = value(TAGS.rowsPerStrip) ?? height] = [value(TAGS.tileWidth), value(TAGS.tileHeight)];
  if (!(width > 0 && height > 0 && w > 0 && h > 0)) return;
  const parts = Math.ceil(width / w) * Math.ceil(height / h);
  if (parts * OFFSET_BYTES <= tiff.size || parts === 1) return;
  throw tiff.corrupt(
    'an image has more tiles or strips than the file can contain',
    `at most ${Math.floor(tiff.size / OFFSET_BYTES)}`,
    `${parts} for ${width} x ${height} pixels in parts of ${w} x ${h}`,
  );
}

/** End of the last strip or tile; 0 if the directory has none. */
function lastByte(tiff: TiffFile, entries: Entries, offsets: number, sizes: number): number {
  const [starts, lengths] = [offsets, sizes].map((tag) => {
    const entry = entries.find((candidate) => candidate.tag === tag);
    return entry === undefined ? new Float64Array(0) : tiff.positions(entry);
  });
  let last = 0;
  for (let i = 0; i < Math.min(starts.length, lengths.length); i++) {
    last = Math.max(last, starts[i] + lengths[i]);
  }
  return last;
}
