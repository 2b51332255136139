import type { Level0Px } from '../../units.js';

/** One pyramid level. Downsample is per axis, (w0 / w, h0 / h), as CLAM reckons it: not the library's mean. */
export interface Level {
  width: number;
  height: number;
  downsample: readonly [number, number];
  /** The reader's own downsample of the level, a mean of both axes, by which it turns level-0 positions into the level's; absent: x's. */
  readDownsample?: number;
}

export interface SlideInfo {
  /** Format vendor as the reader names it: `aperio`, `generic-tiff`, `dicom`. */
  vendor: string;
  levels: readonly Level[];
  /** Micrometres a pixel at level 0 (x, y); undefined where the file does not say or says something implausible. */
  mpp?: readonly [number, number];
  objectivePower?: number;
  properties: Readonly<Record<string, string>>;
  /** Opening it decodes it all: a second handle, say for another thread, costs as much again. */
  costlyToOpen?: boolean;
}

/**
 * An open slide. Not safe for concurrent calls; open one a thread. Every method throws `CorruptSlide` on a read error, after which the
 * handle is dead: close it.
 */
export interface Slide {
  readonly path: string;
  readonly info: SlideInfo;
  /**
   * Reads `width` x `height` pixels of `level` starting at (x, y) in LEVEL-0 pixels. RGB, row major, 3 bytes a pixel; areas outside the slide and
   * transparent pixels follow openslide-python's `convert("RGB")` (un-premultiplied, alpha dropped: black).
   * The returned array is fresh unless `into` (length width * height * 3) is given.
   */
  readRegion(
    x: Level0Px,
    y: Level0Px,
    level: number,
    width: number,
    height: number,
    into?: Uint8Array,
  ): Uint8Array;
  /** A whole level, read in the pieces that give the same pixels as one whole-level call (see slides.md pitfall). */
  readLevel(level: number): Uint8Array;
  /** Level whose downsample is best for a wanted total downsample (OpenSlide's rule). */
  bestLevelForDownsample(downsample: number): number;
  close(): void;
}
