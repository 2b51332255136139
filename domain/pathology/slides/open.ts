import { SamMilError } from '../../errors.js';
import { checkSlideFile, refuseCutOff, refuseUnknown, type FileHead } from './check-file.js';
import { slideFolderMember } from './slide-files.js';
import { openSlideApi } from './openslide-binding.js';
import { OpenSlideSlide, type OpenSlideOptions } from './openslide.js';
import { isPlainImage, PlainImageSlide } from './plain-image.js';
import type { Slide } from './slide.js';
import { TiffFile, tiffDirectoryOffset } from './tiff-file.js';
import { readTiffImage } from './tiff-image.js';
import { tiffPyramid, type TiffPyramid } from './tiff-pyramid.js';
import {
  PHOTOMETRIC,
  refuseTurnedTiles,
  refuseUnknownColors,
  refuseUnknownCompression,
} from './tiff-refusals.js';
import { TiffSlide } from './tiff-slide.js';

/** OpenSlide's reader of TIFFs that no scanner wrote. */
const GENERIC = 'generic-tiff';

/**
 * Opens a slide with OpenSlide, including a DICOM series by its folder. libvips opens the tiled TIFFs of no
 * scanner whose slide, levels, colors or tiles OpenSlide does not read as they are stored. A plain JPEG, PNG
 * or TIFF becomes a slide with one level.
 *
 * @throws SamMilError InvalidInput (missing, another kind of folder, unreadable, empty), UnsupportedFormat
 * (not an image, or an unsupported one), CorruptSlide (truncated or damaged), Unavailable (no OpenSlide
 * library on this machine)
 */
export function openSlide(given: string, options: OpenSlideOptions = {}): Slide {
  const path = slideFolderMember(given) ?? given;
  const head = checkSlideFile(path);
  refuseCutOff(path, head);
  const vendor = openSlideApi().detectVendor(path);
  const isTiff = tiffDirectoryOffset(head.bytes) !== undefined;
  if (vendor === null || vendor === GENERIC) {
    return (isTiff ? openTiff(path, options) : openPlain(path, head)) ?? unknown(path, head);
  }
  if (isTiff && vendor !== 'hamamatsu') refuseTurned(path);
  return OpenSlideSlide.open(path, options) ?? unknown(path, head);
}

function unknown(path: string, head: FileHead): never {
  throw refuseUnknown(path, head);
}

function openPlain(path: string, head: FileHead): Slide | undefined {
  return isPlainImage(head) ? PlainImageSlide.open(path) : undefined;
}

function refuseTurned(path: string): void {
  TiffFile.with(path, (tiff) => {
    const [first] = tiff.directories();
    if (first !== undefined) refuseTurnedTiles(path, readTiffImage(tiff, first));
  });
}

function openTiff(path: string, options: OpenSlideOptions): Slide | undefined {
  const tiff = tiffPyramid(path);
  if (tiff === undefined) return undefined;
  refuseUnknownColors(path, tiff.image);
  const slide = isOpenSlides(tiff) ? openGeneric(path, { ...options, tiff }) : undefined;
  if (slide !== undefined) return slide;
  refuseUnknownCompression(path, tiff.image);
  return tiff.image.tiled ? new TiffSlide(path, tiff) : PlainImageSlide.open(path, tiff);
}

/** Whether OpenSlide reads the pixels of the slide as they are stored. */
function isOpenSlides({ asOpenSlide, image }: TiffPyramid): boolean {
  return asOpenSlide && image.tiled && image.orientation === 1 && image.photometric !== PHOTOMETRIC.cmyk;
}

/** Undefined if OpenSlide has no decoder for the tiles (WebP, Zstandard) or does not know the layout. */
function openGeneric(path: string, options: OpenSlideOptions): Slide | undefined {
  try {
    return OpenSlideSlide.open(path, options);
  } catch (error) {
    if (error instanceof SamMilError && error.code === 'UnsupportedFormat') return undefined;
    throw error;
  }
}
