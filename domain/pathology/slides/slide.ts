import type { Level0Px } from '../../units.js';

/**
 * One pyramid level. The downsample is per axis, (w0 / w, h0 / h), as in CLAM, not the mean of the library.
 */
export interface Level {
  width: number;
  height: number;
  downsample: readonly [number, number];
  /**
   * Mean downsample of both axes, with which the reader converts level-0 positions to the level. Default: the
   * downsample of x.
   */
  readDownsample?: number;
}

export interface SlideInfo {
  /** Format vendor as named by the reader: `aperio`, `generic-tiff`, `dicom`. */
  vendor: string;
  levels: readonly Level[];
  /** µm per pixel at level 0 (x, y); undefined if missing or implausible. */
  mpp?: readonly [number, number];
  objectivePower?: number;
  properties: Readonly<Record<string, string>>;
  /** What a person should know about how the file is read, such as which of its images. */
  notes?: readonly string[];
  /** Opening decodes the whole slide, so another handle, for example for a thread, costs as much again. */
  costlyToOpen?: boolean;
}

/**
 * An open slide. It is not safe for concurrent calls; open one per thread. All methods throw `CorruptSlide`
 * on a read error. The handle is then unusable and must be closed.
 */
export interface Slide {
  readonly path: string;
  readonly info: SlideInfo;
  /**
   * Reads `width` x `height` pixels of `level` starting at (x, y) in level-0 pixels, as RGB, row-major, 3
   * bytes per pixel. Areas outside the slide and transparent pixels follow `convert("RGB")` of
   * openslide-python (un-premultiplied, alpha dropped: black). Returns a new array unless `into` (length
   * width * height * 3) is given.
   */
  readRegion(
    x: Level0Px,
    y: Level0Px,
    level: number,
    width: number,
    height: number,
    into?: Uint8Array,
  ): Uint8Array;
  /** Reads a whole level in pieces that give the same pixels as one call for the whole level. */
  readLevel(level: number): Uint8Array;
  /** Returns the best level for a requested total downsample by the rule of OpenSlide. */
  bestLevelForDownsample(downsample: number): number;
  close(): void;
}
