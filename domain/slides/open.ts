import { checkSlideFile, refuseCutOff, refuseUnknown } from './check-file.js';
import { OpenSlideSlide, type OpenSlideOptions } from './openslide.js';
import { isPlainImage, PlainImageSlide } from './plain-image.js';
import type { Slide } from './slide.js';

/**
 * Opens a slide: by OpenSlide, and a plain JPEG, PNG or TIFF that OpenSlide has no reader for (untiled, OME) as a slide of one level.
 *
 * Errors, each naming the file and what to do: `InvalidInput` (missing, a folder, unreadable, empty), `UnsupportedFormat` (not an image, or one
 * that no reader knows), `CorruptSlide` (cut off or damaged), `Unavailable` (no OpenSlide library on this machine).
 */
export function openSlide(path: string, options: OpenSlideOptions = {}): Slide {
  const head = checkSlideFile(path);
  refuseCutOff(path, head);
  const slide = OpenSlideSlide.open(path, options);
  if (slide !== undefined) return slide;
  if (isPlainImage(head)) return PlainImageSlide.open(path);
  throw refuseUnknown(path, head);
}
