import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SamMilError } from '../../errors.js';
import { makeTemporaryFolder } from '../../machine/temporary-folder.js';
import type { Level0Px } from '../../units.js';
import type { FileHead } from './check-file.js';
import type { DecodedImage } from './decoded-image.js';
import { tooManyPixels } from './image-limit.js';
import { checkRequest } from './openslide.js';
import { readMpp, readObjectivePower } from './properties.js';
import type { Slide, SlideInfo } from './slide.js';
import { statedResolution } from './stated-resolution.js';
import { tiffDirectoryOffset } from './tiff-file.js';
import type { TiffPyramid } from './tiff-pyramid.js';
import { saysUnsupported, unsupportedImage } from './tiff-refusals.js';
import { lastLineOf } from '../../last-line.js';

const DECODER = fileURLToPath(new URL('./decode-image.js', import.meta.url));

/** Recognizes PNG, JPEG and TIFF by their first bytes. */
export function isPlainImage({ bytes }: FileHead): boolean {
  const png = bytes.length > 8 && bytes.readUInt32BE(0) === 0x89504e47;
  const jpeg = bytes.length > 3 && bytes.readUIntBE(0, 3) === 0xffd8ff;
  return png || jpeg || tiffDirectoryOffset(bytes) !== undefined;
}

/**
 * A plain image as a slide with one level. A separate process, which protects this one from damaged files,
 * decodes it once into a raw file that is unlinked immediately. Regions are read from that file, so memory
 * stays small for any size. Disk use in the temporary folder is 3 bytes per pixel while open, and briefly
 * seven for large images. Colors follow {@link readRgb}.
 */
export class PlainImageSlide implements Slide {
  readonly path: string;
  readonly info: SlideInfo;
  private raw: number | undefined;

  private constructor(path: string, raw: number, image: DecodedImage, tiff: TiffPyramid | undefined) {
    this.path = path;
    this.raw = raw;
    this.info = describe(path, image, tiff);
  }

  /**
   * @param tiff the image of a TIFF that is the slide
   * @throws SamMilError InvalidInput if the image has too many pixels; UnsupportedFormat or CorruptSlide if
   *   it cannot be decoded; DiskFull if the temporary folder is full
   */
  static open(path: string, tiff?: TiffPyramid): PlainImageSlide {
    const folder = makeTemporaryFolder();
    try {
      const image = decode(path, join(folder, 'pixels.raw'), tiff);
      const raw = openSync(join(folder, 'pixels.raw'), 'r');
      const { size } = fstatSync(raw);
      if (size !== image.width * image.height * 3) {
        closeSync(raw);
        throw failed(path, `${size} bytes of pixels for ${image.width} x ${image.height}`);
      }
      return new PlainImageSlide(path, raw, image, tiff);
    } finally {
      rmSync(folder, { recursive: true, force: true });
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
    if (this.raw === undefined) throw failed(this.path, 'the slide is closed');
    checkRequest(this, level, width, height, into);
    const [image] = this.info.levels;
    const left = Math.max(0, Math.trunc(x));
    const right = Math.min(image.width, Math.trunc(x) + width);
    into.fill(0);
    for (let row = 0; row < height && right > left; row++) {
      const line = Math.trunc(y) + row;
      if (line < 0 || line >= image.height) continue;
      const target = (row * width + left - Math.trunc(x)) * 3;
      readSync(this.raw, into, target, (right - left) * 3, (line * image.width + left) * 3);
    }
    return into;
  }

  readLevel(level: number): Uint8Array {
    return this.readRegion(0, 0, level, this.info.levels[0].width, this.info.levels[0].height);
  }

  bestLevelForDownsample(): number {
    return 0;
  }

  close(): void {
    if (this.raw !== undefined) closeSync(this.raw);
    this.raw = undefined;
  }
}

function decode(path: string, into: string, tiff: TiffPyramid | undefined): DecodedImage {
  const pages = tiff?.levels[0].places.map(({ page }) => page) ?? [0];
  const args = [DECODER, `${process.pid}`, path, into, pages.join(',')];
  const result = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 20 });
  if (result.status === 0) return JSON.parse(result.stdout) as DecodedImage;
  const message = lastLineOf(result.stderr) ?? `signal ${result.signal}`;
  if (message.includes('ENOSPC') || message.includes('No space left')) {
    throw new SamMilError('DiskFull', 'not enough disk space to decode the image', {
      file: path,
      found: message,
      next: `free space in ${tmpdir()}, or set TMPDIR to a folder with space for 3 bytes per pixel`,
    });
  }
  if (saysUnsupported(message)) throw unsupportedImage(path, 'an image that libvips decodes', message);
  throw tooManyPixels(path, message) ?? failed(path, message);
}

function failed(path: string, found: string): SamMilError {
  return new SamMilError('CorruptSlide', 'the image cannot be decoded', {
    file: path,
    found,
    next: 'copy or download the image again, or convert it to a tiled TIFF',
  });
}

function describe(
  path: string,
  { width, height, format }: DecodedImage,
  tiff: TiffPyramid | undefined,
): SlideInfo {
  const properties = { 'sam-mil.format': format, ...(tiff?.properties ?? statedResolution(path)) };
  return {
    vendor: `plain-${format}`,
    levels: [{ width, height, downsample: [1, 1] }],
    mpp: readMpp(properties),
    objectivePower: readObjectivePower(properties),
    properties,
    notes: tiff?.notes ?? [],
    costlyToOpen: true,
  };
}
