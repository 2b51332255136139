import { SamMilError } from '../../errors.js';
import { checkSlideFile, refuseCutOff, refuseUnknown } from './check-file.js';
import { slideFolderMember } from './slide-files.js';
import { OpenSlideSlide, type OpenSlideOptions } from './openslide.js';
import { isPlainImage, PlainImageSlide } from './plain-image.js';
import type { Slide } from './slide.js';
import { tiffDirectoryOffset } from './tiff-file.js';
import { tiffPyramid } from './tiff-pyramid.js';
import { TiffSlide } from './tiff-slide.js';

/**
 * Opens a slide: by OpenSlide, also a DICOM series by its folder; a tiled TIFF whose levels or tiles OpenSlide can't read by libvips; and a plain
 * JPEG, PNG or TIFF as a slide of one level.
 *
 * Errors, each naming the file and what to do: `InvalidInput` (missing, a folder of something else, unreadable, empty), `UnsupportedFormat` (not
 * an image, or one that no reader knows), `CorruptSlide` (cut off or damaged), `Unavailable` (no OpenSlide library on this machine).
 */
export function openSlide(given: string, options: OpenSlideOptions = {}): Slide {
  const path = slideFolderMember(given) ?? given;
  const head = checkSlideFile(path);
  refuseCutOff(path, head);
  const tiff = tiffDirectoryOffset(head.bytes) === undefined ? undefined : tiffPyramid(path);
  // OpenSlide opens such a file too, but sees its first level only.
  if (tiff?.inSubImages) return new TiffSlide(path, tiff);
  try {
    const slide = OpenSlideSlide.open(path, options);
    if (slide !== undefined) return slide;
  } catch (error) {
    if (tiff === undefined || !isUnknownCompression(error)) throw error;
  }
  if (tiff !== undefined) return new TiffSlide(path, tiff);
  if (isPlainImage(head)) return PlainImageSlide.open(path);
  throw refuseUnknown(path, head);
}

/** OpenSlide knows the file's layout, but its build has no decoder for the tiles (WebP, Zstandard, LERC). */
function isUnknownCompression(error: unknown): boolean {
  return error instanceof SamMilError && /unsupported tiff compression/i.test(error.message);
}
