import { openSlide } from '../slides/open.js';
import { Resizer, type ResizeFilter } from '../slides/resize.js';
import type { Slide } from '../slides/slide.js';

/** Which pixels a patch has and to what size they are resized. */
export interface PatchSource {
  slide: string;
  level: number;
  /** Side of a patch in pixels of `level`. */
  patchSize: number;
  /** Side of the resized patch. */
  size: number;
  resize: ResizeFilter;
  /** Cache size for decoded tiles per reader. Default: 32 MB, the default of OpenSlide. */
  cacheBytes?: number;
}

/** Reads patches of one slide sequentially and resizes them exactly as Pillow does. Use one per thread. */
export class PatchReader {
  private readonly source: PatchSource;
  private readonly slide: Slide;
  private readonly resizer?: Resizer;
  private readonly pixels: Uint8Array;

  /** @throws SamMilError as `openSlide` */
  constructor(source: PatchSource) {
    const { patchSize, size, resize } = source;
    this.source = source;
    this.slide = openSlide(source.slide, { cacheBytes: source.cacheBytes });
    if (patchSize !== size) this.resizer = new Resizer(patchSize, patchSize, size, size, resize);
    this.pixels = new Uint8Array(patchSize * patchSize * 3);
  }

  /** Fills `into` (size x size x 3). @throws SamMilError CorruptSlide; the reader is unusable afterwards */
  read(x: number, y: number, into: Uint8Array): void {
    const { level, patchSize } = this.source;
    const target = this.resizer ? this.pixels : into;
    this.slide.readRegion(x, y, level, patchSize, patchSize, target);
    this.resizer?.resize(this.pixels, into);
  }

  close(): void {
    this.slide.close();
  }
}
