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
 * Opens a slide with OpenSlide, including a DICOM series by its folder. libvips opens tiled TIFFs whose
 * levels or tiles OpenSlide cannot read. A plain JPEG, PNG or TIFF becomes a slide with one level.
 *
 * @throws SamMilError InvalidInput (missing, another kind of folder, unreadable, empty), UnsupportedFormat
 * (not an image, or an unsupported one), CorruptSlide (truncated or damaged), Unavailable (no OpenSlide
 * library on this machine)
 */
export function openSlide(given: string, options: OpenSlideOptions = {}): Slide {
  const path = slideFolderMember(given) ?? given;
  const head = checkSlideFile(path);
  refuseCutOff(path, head);
  const tiff = tiffDirectoryOffset(head.bytes) === undefined ? undefined : tiffPyramid(path);
  // OpenSlide also opens such a file, but only its first level.
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
