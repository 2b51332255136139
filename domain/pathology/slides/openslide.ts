import { SamMilError } from '../../errors.js';
import type { Level0Px } from '../../units.js';
import { argbToRgb } from './argb.js';
import { openSlideApi, type Handle, type OpenSlideApi } from './openslide-binding.js';
import { READ_PIECE } from './level-pieces.js';
import { omeProperties, readOme } from './ome.js';
import { readMpp, readObjectivePower } from './properties.js';
import type { Level, Slide, SlideInfo } from './slide.js';
import { saysUnsupported, unsupportedImage } from './tiff-refusals.js';

export interface OpenSlideOptions {
  /**
   * Size of the handle's cache of decoded tiles. Default: 32 MB, the default of OpenSlide. No effect before
   * OpenSlide 4.
   */
  cacheBytes?: number;
  /** What the directories of a TIFF that no scanner wrote state, where OpenSlide does not say it. */
  tiff?: Pick<SlideInfo, 'notes' | 'properties'>;
}

/**
 * A slide read by the OpenSlide C library. Pixels equal `read_region(...).convert("RGB")` of openslide-python
 * after un-premultiplication.
 */
export class OpenSlideSlide implements Slide {
  readonly path: string;
  readonly info: SlideInfo;
  private readonly api: OpenSlideApi;
  private readonly downsamples: readonly number[];
  private handle: Handle | undefined;
  /**
   * Why the handle is unusable. OpenSlide errors are permanent: after one, all results of the handle are
   * invalid.
   */
  private failure: string | undefined;
  private pixels = new Uint32Array(0);

  private constructor(api: OpenSlideApi, handle: Handle, path: string, tiff: OpenSlideOptions['tiff']) {
    this.api = api;
    this.handle = handle;
    this.path = path;
    const count = api.levelCount(handle);
    this.downsamples = Array.from({ length: count }, (_, level) => api.levelDownsample(handle, level));
    this.info = readInfo(api, handle, this.downsamples, tiff);
    this.check('reading its properties');
  }

  /**
   * Opens a file; undefined if OpenSlide has no reader for it.
   * @throws SamMilError CorruptSlide or UnsupportedFormat if the reader fails; Unavailable without the
   *   library
   */
  static open(path: string, options: OpenSlideOptions = {}): OpenSlideSlide | undefined {
    const api = openSlideApi();
    const handle = api.open(path);
    if (handle === null) return undefined;
    try {
      const error = api.error(handle);
      if (error !== null) throw corrupt(path, 'opening it', error);
      if (options.cacheBytes !== undefined) api.setCacheSize?.(handle, options.cacheBytes);
      return new OpenSlideSlide(api, handle, path, options.tiff);
    } catch (error) {
      api.close(handle);
      throw error;
    }
  }

  readRegion(
    x: Level0Px,
    y: Level0Px,
    level: number,
    width: number,
    height: number,
    into: Uint8Array = new Uint8Array(width * height * 3),
  ): Uint8Array {
    const handle = this.alive();
    checkRequest(this, level, width, height, into);
    const downsample = this.downsamples[level];
    // The library splits a large call into the same pieces. Splitting here gives the same pixels with a small
    // buffer.
    for (let top = 0; top < height; top += READ_PIECE) {
      for (let left = 0; left < width; left += READ_PIECE) {
        const w = Math.min(READ_PIECE, width - left);
        const h = Math.min(READ_PIECE, height - top);
        const pixels = this.buffer(w * h);
        const startX = Math.trunc(x + left * downsample);
        const startY = Math.trunc(y + top * downsample);
        this.api.readRegion(handle, pixels, startX, startY, level, w, h);
        this.check(`reading ${w} x ${h} pixels of level ${level} at (${startX}, ${startY})`);
        argbToRgb(pixels, w, h, into, top * width + left, width);
      }
    }
    return into;
  }

  readLevel(level: number): Uint8Array {
    const { width, height } = this.info.levels[level] ?? {};
    return this.readRegion(0, 0, level, width ?? 0, height ?? 0);
  }

  bestLevelForDownsample(downsample: number): number {
    return this.api.bestLevelForDownsample(this.alive(), downsample);
  }

  close(): void {
    if (this.handle !== undefined) this.api.close(this.handle);
    this.handle = undefined;
    this.failure ??= 'the slide is closed';
    this.pixels = new Uint32Array(0);
  }

  private alive(): Handle {
    if (this.handle === undefined || this.failure !== undefined) {
      throw new SamMilError('CorruptSlide', 'this slide can no longer be read', {
        file: this.path,
        found: this.failure,
        next: 'close the handle and open the slide again',
      });
    }
    return this.handle;
  }

  private check(doing: string): void {
    const error = this.api.error(this.alive());
    if (error === null) return;
    this.failure = error;
    throw corrupt(this.path, doing, error);
  }

  private buffer(length: number): Uint32Array {
    if (this.pixels.length < length) this.pixels = new Uint32Array(length);
    return this.pixels;
  }
}

function readInfo(
  api: OpenSlideApi,
  handle: Handle,
  downsamples: readonly number[],
  tiff: OpenSlideOptions['tiff'],
): SlideInfo {
  const properties: Record<string, string> = { ...tiff?.properties };
  for (const name of api.propertyNames(handle)) properties[name] = api.propertyValue(handle, name) ?? '';
  const ome = readOme(properties['tiff.ImageDescription']);
  if (ome !== undefined) Object.assign(properties, omeProperties(ome));
  const [width0, height0] = api.levelSize(handle, 0);
  const levels = downsamples.map((readDownsample, level): Level => {
    const [width, height] = api.levelSize(handle, level);
    return { width, height, downsample: [width0 / width, height0 / height], readDownsample };
  });
  return {
    vendor: properties['openslide.vendor'] ?? 'unknown',
    levels,
    mpp: readMpp(properties),
    objectivePower: readObjectivePower(properties),
    properties,
    notes: tiff?.notes,
  };
}

/**
 * Refuses programming errors before the call: with a wrong size of `into`, the library would write past its
 * end.
 */
export function checkRequest(
  slide: Slide,
  level: number,
  width: number,
  height: number,
  into: Uint8Array,
): void {
  const levels = slide.info.levels.length;
  if (!Number.isInteger(level) || level < 0 || level >= levels) {
    throw new SamMilError('InvalidInput', `the slide has no level ${level}`, {
      file: slide.path,
      expected: `0 to ${levels - 1}`,
    });
  }
  if (into.length !== width * height * 3 || !(width > 0) || !(height > 0)) {
    throw new SamMilError('InvalidInput', `cannot read a region of ${width} x ${height} pixels`, {
      file: slide.path,
      expected: 'a positive size and an array of width * height * 3 bytes',
      found: `${into.length} bytes`,
    });
  }
}

function corrupt(path: string, doing: string, error: string): SamMilError {
  if (saysUnsupported(error)) return unsupportedImage(path, 'a format that OpenSlide decodes', error);
  return new SamMilError('CorruptSlide', `the slide is damaged: ${doing} failed`, {
    file: path,
    found: error,
    next: 'copy or download the slide again and compare its size with the original; other slides are not affected',
  });
}
