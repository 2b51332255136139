import { omeProperties } from './ome.js';
import { TiffFile, type TiffDirectory, type TiffEntry } from './tiff-file.js';

const TAGS = {
  width: 256,
  height: 257,
  compression: 259,
  description: 270,
  xResolution: 282,
  yResolution: 283,
  resolutionUnit: 296,
  tileWidth: 322,
  subDirectories: 330,
} as const;

/** Micrometers per TIFF resolution unit. */
const UNIT_MICROMETERS: Readonly<Record<number, number>> = { 2: 25400, 3: 10000 };

/** A slide has about ten levels. A file with more pages than this is another kind of stack. */
const MOST_PAGES = 64;

/** Maximum relative difference in proportions to the first level, because sides are rounded. */
const MOST_SKEW = 0.02;

/**
 * Position of an image in a TIFF: the page and the index of its sub-image (`subifd`; -1 for the page itself).
 */
export interface TiffPlace {
  page: number;
  subifd: number;
}

export interface TiffLevel extends TiffPlace {
  width: number;
  height: number;
}

/** Levels of a tiled TIFF, largest first. */
export interface TiffPyramid {
  levels: TiffLevel[];
  /** The smaller levels are sub-images of the first page, as in OME-TIFF. */
  inSubImages: boolean;
  /** TIFF compression number of the first level. */
  compression: number;
  /** Properties of the file, with the names of OpenSlide and {@link omeProperties}. */
  properties: Record<string, string>;
}

/**
 * Reads the levels. Undefined for other files, and if the first page is not tiled, because its regions cannot
 * be read separately.
 */
export function tiffPyramid(path: string): TiffPyramid | undefined {
  return TiffFile.with(path, (tiff) => {
    const pages = listPages(tiff);
    const first = pages[0] && readImage(tiff, pages[0]);
    if (first === undefined || !first.tiled) return undefined;
    const below = first.subDirectories.map((at, subifd) => {
      return { page: 0, subifd, ...readImage(tiff, tiff.directory(at)) };
    });
    const beside = pages.slice(1).map((page, index) => {
      return { page: index + 1, subifd: -1, ...readImage(tiff, page) };
    });
    const inSubImages = below.some((image) => isLevel(image, first));
    const smaller = (inSubImages ? below : beside).filter((image) => isLevel(image, first));
    smaller.sort((a, b) => b.width - a.width);
    const levels = [{ page: 0, subifd: -1, ...first }, ...smaller];
    return {
      levels: levels.map(({ page, subifd, width, height }) => ({ page, subifd, width, height })),
      inSubImages,
      compression: first.compression,
      properties: first.properties,
    };
  });
}

function listPages(tiff: TiffFile): TiffDirectory[] {
  const pages: TiffDirectory[] = [];
  for (const page of tiff.directories()) {
    pages.push(page);
    if (pages.length === MOST_PAGES) break;
  }
  return pages;
}

function readSubDirectories(tiff: TiffFile, entry: TiffEntry): Float64Array {
  if (entry.count <= MOST_PAGES) return tiff.positions(entry);
  throw tiff.corrupt('an image has too many sub-images', `at most ${MOST_PAGES}`, `${entry.count}`);
}

type TiffImage = ReturnType<typeof readImage>;

function readImage(tiff: TiffFile, { entries }: TiffDirectory) {
  const entryOf = (tag: number) => entries.find((candidate) => candidate.tag === tag);
  const value = (tag: number): number | undefined => {
    const entry = entryOf(tag);
    return entry && tiff.numbers(entry)[0];
  };
  const text = entryOf(TAGS.description);
  const below = entryOf(TAGS.subDirectories);
  const description = text && tiff.text(text);
  const unit = UNIT_MICROMETERS[value(TAGS.resolutionUnit) ?? 0];
  const properties: Record<string, string> = omeProperties(description);
  for (const [axis, tag] of [
    ['x', TAGS.xResolution],
    ['y', TAGS.yResolution],
  ] as const) {
    const perUnit = value(tag) ?? 0;
    if (unit !== undefined && perUnit > 0) properties[`openslide.mpp-${axis}`] = String(unit / perUnit);
  }
  return {
    width: value(TAGS.width) ?? 0,
    height: value(TAGS.height) ?? 0,
    tiled: value(TAGS.tileWidth) !== undefined,
    compression: value(TAGS.compression) ?? 1,
    subDirectories: below === undefined ? [] : [...readSubDirectories(tiff, below)],
    properties,
  };
}

/** Levels are smaller, tiled, and of the same proportions, unlike labels and overviews of the glass. */
function isLevel(image: TiffImage, first: TiffImage): boolean {
  const [x, y] = [first.width / image.width, first.height / image.height];
  return image.tiled && x > 1.5 && Math.abs(x / y - 1) < MOST_SKEW + 1 / image.height + 1 / image.width;
}
