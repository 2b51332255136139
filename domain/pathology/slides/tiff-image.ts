import type { TiffDirectory, TiffEntry, TiffFile } from './tiff-file.js';

const TAGS = {
  subfileType: 254,
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  description: 270,
  orientation: 274,
  samples: 277,
  xResolution: 282,
  yResolution: 283,
  planar: 284,
  resolutionUnit: 296,
  tileWidth: 322,
  subDirectories: 330,
  sampleFormat: 339,
} as const;

/** Micrometers per TIFF resolution unit. Unit 1 means that the resolution is only a ratio. */
const UNIT_MICROMETERS: Readonly<Record<number, number | undefined>> = { 2: 25400, 3: 10000 };

/** ImageJ's names of units, for which TIFF has no number. It escapes letters beyond ASCII. */
const IMAGEJ_MICROMETERS: Readonly<Record<string, number | undefined>> = {
  nm: 1e-3,
  um: 1,
  µm: 1,
  μm: 1,
  '\\u00B5m': 1,
  micron: 1,
  microns: 1,
  micrometer: 1,
  mm: 1000,
};

/** The default of TIFF 6.0, section 8. */
const INCH = 2;

/** A slide has about ten levels. A file with more pages than this is another kind of stack. */
export const MOST_PAGES = 64;

/** Most samples of a pixel that are looked at. */
const MOST_SAMPLES = 16;

/** What a directory states about its image, with the defaults of TIFF 6.0. */
export interface TiffImage {
  width: number;
  height: number;
  tiled: boolean;
  /** Numbers of TIFF. */
  compression: number;
  photometric: number;
  orientation: number;
  /** 2 if the samples of a pixel are in separate planes. */
  planar: number;
  samples: number;
  bits: number[];
  /** 1 unsigned, 2 signed, 3 float, 4 undefined. */
  sampleFormats: number[];
  /** A smaller version of another image of the file, by its subfile type. */
  reduced: boolean;
  description?: string;
  /** µm per pixel, by the names of OpenSlide. */
  resolution: Record<string, string>;
  /** Positions of its sub-images. */
  subDirectories: number[];
}

export function readTiffImage(tiff: TiffFile, { entries }: TiffDirectory): TiffImage {
  const entryOf = (tag: number) => entries.find((candidate) => candidate.tag === tag);
  const values = (tag: number): number[] => {
    const entry = entryOf(tag);
    return entry === undefined ? [] : [...tiff.numbers(entry, MOST_SAMPLES)];
  };
  const value = (tag: number, otherwise: number): number => values(tag).at(0) ?? otherwise;
  const below = entryOf(TAGS.subDirectories);
  const text = entryOf(TAGS.description);
  const description = text && tiff.text(text);
  const bits = values(TAGS.bits);
  return {
    width: value(TAGS.width, 0),
    height: value(TAGS.height, 0),
    tiled: entryOf(TAGS.tileWidth) !== undefined,
    compression: value(TAGS.compression, 1),
    photometric: value(TAGS.photometric, 1),
    orientation: value(TAGS.orientation, 1),
    planar: value(TAGS.planar, 1),
    samples: value(TAGS.samples, 1),
    bits: bits.length === 0 ? [1] : bits,
    sampleFormats: values(TAGS.sampleFormat),
    reduced: (value(TAGS.subfileType, 0) & 1) === 1,
    ...(description !== undefined && { description }),
    resolution: readResolution(values, description),
    subDirectories: below === undefined ? [] : [...readSubDirectories(tiff, below)],
  };
}

/**
 * µm per pixel; empty without a unit, because the numbers are then only the ratio of both axes. ImageJ states
 * its unit in the description.
 */
export function readResolution(
  values: (tag: number) => readonly number[],
  description = '',
): Record<string, string> {
  const properties: Record<string, string> = {};
  const unit =
    UNIT_MICROMETERS[values(TAGS.resolutionUnit).at(0) ?? INCH] ??
    IMAGEJ_MICROMETERS[/^ImageJ=[\s\S]*^unit=(.*?)\r?$/m.exec(description)?.[1] ?? ''];
  for (const [axis, tag] of [
    ['x', TAGS.xResolution],
    ['y', TAGS.yResolution],
  ] as const) {
    const perUnit = values(tag).at(0) ?? 0;
    if (unit !== undefined && perUnit > 0) properties[`openslide.mpp-${axis}`] = String(unit / perUnit);
  }
  return properties;
}

function readSubDirectories(tiff: TiffFile, entry: TiffEntry): Float64Array {
  if (entry.count <= MOST_PAGES) return tiff.positions(entry);
  throw tiff.corrupt('an image has too many sub-images', `at most ${MOST_PAGES}`, `${entry.count}`);
}
