import { openSlide } from '../slides/open.js';
import { Resizer, type ResizeFilter } from '../slides/resize.js';
import type { Slide } from '../slides/slide.js';

/** Which pixels a patch has, and what size they are brought to. */
export interface PatchSource {
  slide: string;
  level: number;
  /** Side in pixels of `level`. */
  patchSize: number;
  /** Side of what comes out. */
  size: number;
  resize: ResizeFilter;
  /** Of decoded tiles, a reader. Default: OpenSlide's own, 32 MB. */
  cacheBytes?: number;
}

/** Reads patches of one slide, one after another, and resizes them as Pillow does. One a thread. */
export class PatchReader {
  private readonly source: PatchSource;
  private readonly slide: Slide;
  private readonly resizer?: Resizer;
  private readonly pixels: Uint8Array;

  /** Throws what `openSlide` throws. */
  constructor(source: PatchSource) {
    const { patchSize, size, resize } = source;
    this.source = source;
    this.slide = openSlide(source.slide, { cacheBytes: source.cacheBytes });
    if (patchSize !== size) this.resizer = new Resizer(patchSize, patchSize, size, size, resize);
    this.pixels = new Uint8Array(patchSize * patchSize * 3);
  }

  /** @param into size x size x 3, filled. Throws `CorruptSlide`, after which the reader is dead. */
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
