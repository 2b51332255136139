import { omeProperties } from './ome.js';
import { TiffFile, type TiffDirectory } from './tiff-file.js';

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

/** Micrometres of TIFF's units of resolution. */
const UNIT_MICROMETERS: Readonly<Record<number, number>> = { 2: 25400, 3: 10000 };

/** A slide has some ten levels; a file with more pages is a stack of something else. */
const MOST_PAGES = 64;

/** A level's sides may be rounded, and so differ from the first one's proportions by so much. */
const MOST_SKEW = 0.02;

/** Where an image lies in a TIFF: the page, and for one that hangs below it which (`subifd`; -1 for the page itself). */
export interface TiffPlace {
  page: number;
  subifd: number;
}

export interface TiffLevel extends TiffPlace {
  width: number;
  height: number;
}

/** A tiled TIFF's levels, largest first. */
export interface TiffPyramid {
  levels: TiffLevel[];
  /** The smaller levels are sub-images of the first page, as in OME-TIFF. */
  inSubImages: boolean;
  /** TIFF's number of the first level's compression. */
  compression: number;
  /** What the file says of itself, under the names of OpenSlide and {@link omeProperties}. */
  properties: Record<string, string>;
}

/** Undefined for other files, and where the first page is not tiled: its regions can't be read without the whole. */
export function tiffPyramid(path: string): TiffPyramid | undefined {
  return TiffFile.with(path, (tiff) => {
    const pages = pagesOf(tiff);
    const first = pages[0] && imageOf(tiff, pages[0]);
    if (first === undefined || !first.tiled) return undefined;
    const below = first.subDirectories.map((at, subifd) => {
      return { page: 0, subifd, ...imageOf(tiff, tiff.directory(at)) };
    });
    const beside = pages.slice(1).map((page, index) => {
      return { page: index + 1, subifd: -1, ...imageOf(tiff, page) };
    });
    const inSubImages = below.some((image) => isLevelOf(image, first));
    const smaller = (inSubImages ? below : beside).filter((image) => isLevelOf(image, first));
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

function pagesOf(tiff: TiffFile): TiffDirectory[] {
  const pages: TiffDirectory[] = [];
  for (let at = tiff.layout.first; at !== 0 && pages.length < MOST_PAGES;) {
    const page = tiff.directory(at);
    pages.push(page);
    at = page.next;
  }
  return pages;
}

type TiffImage = ReturnType<typeof imageOf>;

function imageOf(tiff: TiffFile, { entries }: TiffDirectory) {
  const values = (tag: number) => {
    const entry = entries.find((candidate) => candidate.tag === tag);
    return entry === undefined ? [] : tiff.numbers(entry);
  };
  const text = entries.find(({ tag }) => tag === TAGS.description);
  const description = text && tiff.text(text);
  const unit = UNIT_MICROMETERS[values(TAGS.resolutionUnit)[0]];
  const properties: Record<string, string> = omeProperties(description);
  for (const [axis, tag] of [
    ['x', TAGS.xResolution],
    ['y', TAGS.yResolution],
  ] as const) {
    const [perUnit] = values(tag);
    if (unit !== undefined && perUnit > 0) properties[`openslide.mpp-${axis}`] = String(unit / perUnit);
  }
  return {
    width: values(TAGS.width)[0] ?? 0,
    height: values(TAGS.height)[0] ?? 0,
    tiled: values(TAGS.tileWidth).length > 0,
    compression: values(TAGS.compression)[0] ?? 1,
    subDirectories: values(TAGS.subDirectories),
    properties,
  };
}

/** Smaller, of the same proportions, and tiled: labels and overviews of the glass are none of these. */
function isLevelOf(image: TiffImage, first: TiffImage): boolean {
  const [x, y] = [first.width / image.width, first.height / image.height];
  return image.tiled && x > 1.5 && Math.abs(x / y - 1) < MOST_SKEW + 1 / image.height + 1 / image.width;
}
