import { openSlide } from '../slides/open.js';
import { ResizeAndCrop } from './resize-and-crop.js';
import { Resizer, type ResizeFilter } from '../slides/resize.js';
import type { Slide } from '../slides/slide.js';

/** How an encoder gets its patches. */
export interface PatchFit {
  /** Side of the patch that the encoder gets. */
  size: number;
  /** Side to which a patch is resized before its center is cut out. Default: `size`. */
  resizeTo?: number;
  resize: ResizeFilter;
}

/** Which pixels a patch has and how they are resized, in one or more ways. */
export interface PatchSource {
  slide: string;
  level: number;
  /** Side of a patch in pixels of `level`. */
  patchSize: number;
  fits: readonly PatchFit[];
  /** Cache size for decoded tiles per reader. Default: 32 MB, the default of OpenSlide. */
  cacheBytes?: number;
}

/** Reads patches of one slide sequentially and resizes them exactly as Pillow does. Use one per thread. */
export class PatchReader {
  private readonly source: PatchSource;
  private readonly slide: Slide;
  private readonly fits: readonly Fit[];
  private readonly pixels: Uint8Array;

  /** @throws SamMilError as `openSlide` */
  constructor(source: PatchSource) {
    const { patchSize } = source;
    this.source = source;
    this.slide = openSlide(source.slide, { cacheBytes: source.cacheBytes });
    this.fits = source.fits.map((fit) => createFit(patchSize, fit));
    this.pixels = new Uint8Array(patchSize * patchSize * 3);
  }

  /**
   * Fills one array (size x size x 3) per fit from one reading.
   * @throws SamMilError CorruptSlide; the reader is unusable afterwards
   */
  read(x: number, y: number, into: readonly Uint8Array[]): void {
    const { level, patchSize } = this.source;
    const unchanged = this.fits.indexOf(undefined);
    const pixels = unchanged < 0 ? this.pixels : into[unchanged];
    this.slide.readRegion(x, y, level, patchSize, patchSize, pixels);
    this.fits.forEach((fit, i) => fit?.(pixels, into[i]));
  }

  close(): void {
    this.slide.close();
  }
}

/** Undefined if patches have the size of the encoder and nothing is cut off. */
type Fit = ((rgb: Uint8Array, into: Uint8Array) => Uint8Array) | undefined;

function createFit(patchSize: number, { size, resizeTo = size, resize }: PatchFit): Fit {
  if (resizeTo !== size) {
    const fit = new ResizeAndCrop(patchSize, patchSize, {
      shortestEdge: resizeTo,
      crop: size,
      filter: resize,
    });
    return (rgb, into) => fit.apply(rgb, into);
  }
  if (patchSize === size) return undefined;
  const resizer = new Resizer(patchSize, patchSize, size, size, resize);
  return (rgb, into) => resizer.resize(rgb, into);
}
