import { omeProperties, readOme, type OmeDescription } from './ome.js';
import { areRedGreenBlue, placeImages, type PlacedImage } from './ome-planes.js';
import { TiffFile, type TiffDirectory } from './tiff-file.js';
import { MOST_PAGES, readTiffImage, type TiffImage } from './tiff-image.js';
import { unsupportedImage } from './tiff-refusals.js';

/** Maximum relative difference in proportions to the first level, because sides are rounded. */
const MOST_SKEW = 0.02;

/**
 * Position of an image in a TIFF: the page and the index of its sub-image (`subifd`; -1 for the page itself).
 */
export interface TiffPlace {
  page: number;
  subifd: number;
}

export interface TiffLevel {
  width: number;
  height: number;
  /** One image, or three of one gray sample that are its red, green and blue. */
  places: TiffPlace[];
}

/** The slide of a TIFF: its largest image, and smaller levels of the same. */
export interface TiffPyramid {
  /** Largest first; an image in strips has one. */
  levels: TiffLevel[];
  /** The first level. */
  image: TiffImage;
  /** OpenSlide's reader of plain TIFFs reads the same image, with its colors and its levels. */
  asOpenSlide: boolean;
  /** Properties of the file, with the names of OpenSlide and {@link omeProperties}. */
  properties: Record<string, string>;
  /** What a person should know about the choice of the image. */
  notes: string[];
}

interface Page extends TiffImage {
  page: number;
}

/**
 * Chooses the image of the file that is the slide. The first image may be an overview of the glass, so it is
 * the largest one; of equal ones, the first. Undefined for files without a complete image directory.
 *
 * @throws SamMilError UnsupportedFormat for gray images that are channels of something else than RGB
 */
export function tiffPyramid(path: string): TiffPyramid | undefined {
  return TiffFile.with(path, (tiff) => {
    const directories = listPages(tiff);
    const pages = directories.map((directory, page): Page => ({ page, ...readTiffImage(tiff, directory) }));
    const main = pages.reduce<Page | undefined>(
      (best, page) => (best !== undefined && area(best) >= area(page) ? best : page),
      undefined,
    );
    if (main === undefined || area(main) === 0) return undefined;
    const ome = readOme(pages[0].description);
    const placed = ome && placeImages(ome).find(({ pages: own }) => own.includes(main.page));
    const planes = choosePlanes(path, pages, main, placed);
    const levels = listLevels(tiff, pages, planes, ome !== undefined);
    const { page, ...image } = planes[0];
    return {
      levels,
      image,
      asOpenSlide: page === 0 && planes.length === 1 && levels.every(({ places }) => places[0].subifd < 0),
      properties: propertiesOf(image, ome, placed),
      notes: notesOn(pages, planes[0], placed),
    };
  });
}

function listPages(tiff: TiffFile): TiffDirectory[] {
  const pages: TiffDirectory[] = [];
  for (const page of tiff.directories()) {
    if (page.entries.length > 0) pages.push(page);
    if (pages.length === MOST_PAGES) break;
  }
  return pages;
}

function area({ width, height }: TiffImage): number {
  return width * height;
}

/** Returns the pages of the image: one, or three for red, green and blue. */
function choosePlanes(path: string, pages: readonly Page[], main: Page, placed?: PlacedImage): Page[] {
  if (main.samples > 2 || main.photometric === 3) return [main];
  if (placed === undefined) {
    refuseStack(path, pages, main);
    return [main];
  }
  const channels = placed.channels.flatMap((page) => pages.filter((candidate) => candidate.page === page));
  const same = channels.filter((page) => isSameSize(page, main) && page.samples === 1);
  if (placed.sizes.c === 1) return [main];
  if (placed.sizes.c === 3 && same.length === 3 && areRedGreenBlue(placed.image)) return same;
  const names = placed.image.channels.map(({ Name: name, ID: id }) => name ?? id ?? '?');
  throw unsupportedImage(
    path,
    'an image of one gray or three color samples per pixel, or three planes that are red, green and blue',
    `${placed.sizes.c} gray planes (SizeC ${placed.sizes.c}, SamplesPerPixel 1)${names.length > 0 ? `: ${names.slice(0, 8).join(', ')}` : ''}`,
    'convert the channels that are red, green and blue to an RGB image',
  );
}

/** Without OME-XML, nothing says what several gray images of one size are. */
function refuseStack(path: string, pages: readonly Page[], main: Page): void {
  const stack = pages.filter((page) => isSameSize(page, main) && page.samples === main.samples).length;
  const stated = Number(/^ImageJ=[\s\S]*^images=(\d+)/m.exec(main.description ?? '')?.[1] ?? 1);
  const count = Math.max(stack, stated);
  if (count < 2) return;
  throw unsupportedImage(
    path,
    'one image of the slide',
    `${count} gray images of ${main.width} x ${main.height} pixels`,
    'convert the images that are red, green and blue to an RGB image, or keep only one',
  );
}

function isSameSize(a: TiffImage, b: TiffImage): boolean {
  return a.width === b.width && a.height === b.height;
}

/**
 * Levels are sub-images of the page, or the pages after it. In an OME-TIFF, pages are other images unless
 * they are marked as reduced.
 */
function listLevels(
  tiff: TiffFile,
  pages: readonly Page[],
  planes: readonly Page[],
  isOme: boolean,
): TiffLevel[] {
  const [main] = planes;
  const { width, height } = main;
  const first: TiffLevel = { width, height, places: planes.map(({ page }) => ({ page, subifd: -1 })) };
  if (!main.tiled) return [first];
  const below = main.subDirectories.flatMap((at, subifd): TiffLevel[] => {
    const image = readTiffImage(tiff, tiff.directory(at));
    const places = planes.map(({ page }) => ({ page, subifd }));
    const complete = planes.every(({ subDirectories }) => subDirectories.length > subifd);
    return complete && isLevel(image, main) ? [{ width: image.width, height: image.height, places }] : [];
  });
  const beside = pages.filter(
    (page) => page.page > main.page && isLevel(page, main) && (!isOme || page.reduced),
  );
  const smaller =
    below.length > 0 || planes.length > 1
      ? below
      : beside.map((page) => ({
          width: page.width,
          height: page.height,
          places: [{ page: page.page, subifd: -1 }],
        }));
  return [first, ...smaller.sort((a, b) => b.width - a.width)];
}

/** Levels are smaller, tiled, and of the same proportions, unlike labels and overviews of the glass. */
function isLevel(image: TiffImage, first: TiffImage): boolean {
  const [x, y] = [first.width / image.width, first.height / image.height];
  return image.tiled && x > 1.5 && Math.abs(x / y - 1) < MOST_SKEW + 1 / image.height + 1 / image.width;
}

function propertiesOf(
  image: TiffImage,
  ome: OmeDescription | undefined,
  placed: PlacedImage | undefined,
): Record<string, string> {
  const stated = ome === undefined ? {} : omeProperties(ome, placed?.image ?? ome.images[0]);
  return { ...stated, ...image.resolution };
}

function notesOn(pages: readonly Page[], main: Page, placed: PlacedImage | undefined): string[] {
  const notes: string[] = [];
  const [first] = pages;
  if (main.page !== 0 && !isSameSize(first, main)) {
    const place = `page ${main.page + 1} of ${pages.length}, ${main.width} x ${main.height} pixels`;
    notes.push(`the slide is the largest image (${place}); the first is ${first.width} x ${first.height}`);
  }
  const equal = pages.filter(
    (page) => isSameSize(page, main) && page.samples === main.samples && main.samples > 2,
  );
  if (equal.length > 1) notes.push(`the first of ${equal.length} images of the same size is read`);
  const planes = placed === undefined ? 1 : placed.sizes.z * placed.sizes.t;
  if (planes > 1 && main.samples < 3) notes.push(`the first of ${planes} focus positions and times is read`);
  return notes;
}
