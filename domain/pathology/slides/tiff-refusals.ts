import { SamMilError } from '../../errors.js';
import type { TiffImage } from './tiff-image.js';

/** Names of TIFF compressions. */
const COMPRESSIONS: Readonly<Record<number, string>> = {
  1: 'none',
  2: 'CCITT RLE',
  3: 'CCITT fax 3',
  4: 'CCITT fax 4',
  5: 'LZW',
  6: 'old JPEG',
  7: 'JPEG',
  8: 'deflate',
  32773: 'PackBits',
  32946: 'deflate',
  33003: 'JPEG 2000 (Aperio, YCbCr)',
  33004: 'JPEG 2000',
  33005: 'JPEG 2000 (Aperio, RGB)',
  34677: 'SGI log',
  34712: 'JPEG 2000',
  34887: 'LERC',
  34892: 'lossy JPEG',
  34925: 'LZMA',
  34933: 'PNG',
  34934: 'JPEG XR',
  50000: 'Zstandard',
  50001: 'WebP',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
};

/** The compressions that libvips, as sharp ships it, decodes. */
const DECODED = [1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 50001];

/** Numbers of TIFF for how samples become colors. */
export const PHOTOMETRIC = { whiteIsZero: 0, blackIsZero: 1, rgb: 2, palette: 3, cmyk: 5, ycbcr: 6 } as const;

const PHOTOMETRIC_NAMES: Readonly<Record<number, string>> = {
  4: 'a transparency mask',
  8: 'CIE L*a*b*',
  9: 'ICC L*a*b*',
  10: 'ITU L*a*b*',
  32803: 'a color filter array',
  32844: 'LogL',
  32845: 'LogLuv',
  34892: 'linear raw',
};

const SAMPLE_FORMATS: Readonly<Record<number, string>> = {
  2: 'signed integers',
  3: 'floats',
  5: 'complex integers',
  6: 'complex floats',
};

export function unsupportedImage(path: string, expected: string, found: string, next?: string): SamMilError {
  return new SamMilError('UnsupportedFormat', 'the slide cannot be read in this form', {
    file: path,
    expected,
    found,
    next:
      next ??
      'convert it, for example with `vips tiffsave --tile --pyramid --compression jpeg` or QuPath; the file is not damaged',
  });
}

/**
 * @throws SamMilError UnsupportedFormat for samples whose colors are not known (floats, signed or more than
 *   16 bits, color spaces other than gray, RGB, YCbCr, CMYK) or that libvips cannot place
 */
export function refuseUnknownColors(path: string, image: TiffImage): void {
  const { bits, sampleFormats, samples, photometric, planar, tiled } = image;
  const strange = sampleFormats.find((format) => format in SAMPLE_FORMATS);
  if (strange !== undefined || bits.some((bit) => bit > 16)) {
    const kind = strange === undefined ? 'unsigned integers' : SAMPLE_FORMATS[strange];
    throw unsupportedImage(
      path,
      'samples of 8 or 16 bits without sign, whose largest value is white',
      `samples that are ${kind} of ${bits[0]} bits, which do not state what white is`,
      'convert it to 8 bits, with white at 255',
    );
  }
  const [least, most] = SAMPLES[photometric] ?? [];
  if (least === undefined) {
    const found = PHOTOMETRIC_NAMES[photometric] ?? `color space ${photometric}`;
    throw unsupportedImage(path, 'gray, RGB, YCbCr or CMYK colors', found);
  }
  if (samples < least || samples > most) {
    throw unsupportedImage(
      path,
      `${[...new Set([least, most])].join(' or ')} samples per pixel for these colors`,
      `${samples}`,
    );
  }
  if (planar === 2 && samples > 1 && tiled) {
    throw unsupportedImage(
      path,
      'tiles that hold all samples of a pixel (PlanarConfiguration 1)',
      'a separate plane of tiles for each sample (PlanarConfiguration 2)',
    );
  }
}

/** Fewest and most samples per pixel; the last may be alpha. CMYK with alpha is not known. */
const SAMPLES: Readonly<Record<number, readonly [number, number]>> = {
  [PHOTOMETRIC.whiteIsZero]: [1, 2],
  [PHOTOMETRIC.blackIsZero]: [1, 2],
  [PHOTOMETRIC.rgb]: [3, 4],
  [PHOTOMETRIC.palette]: [1, 2],
  [PHOTOMETRIC.cmyk]: [4, 4],
  [PHOTOMETRIC.ycbcr]: [3, 4],
};

/** @throws SamMilError UnsupportedFormat for a compression that libvips does not decode */
export function refuseUnknownCompression(path: string, { compression }: TiffImage): void {
  if (DECODED.includes(compression)) return;
  const known = DECODED.map((number) => COMPRESSIONS[number]);
  throw unsupportedImage(
    path,
    `a compression out of ${[...new Set(known)].join(', ')}`,
    `compression ${compression} (${COMPRESSIONS[compression] ?? 'unknown'})`,
  );
}

/**
 * OpenSlide reads tiles that are not JPEG through a function of libtiff that turns each tile separately.
 * @throws SamMilError UnsupportedFormat for a slide of a scanner that would be scrambled
 */
export function refuseTurnedTiles(path: string, { orientation, compression, tiled }: TiffImage): void {
  if (!tiled || orientation <= 1 || orientation > 8 || compression === 7) return;
  throw unsupportedImage(
    path,
    'tiles in the order of their rows and columns (Orientation 1)',
    `Orientation ${orientation}`,
    'set the tag 274 to 1 (`tiffset -s 274 1 FILE`); the file is not damaged',
  );
}

/** Whether a decoder says that it has no code for what it was given, which is no damage. */
export function saysUnsupported(message: string): boolean {
  return (
    /not (yet )?(configured|implemented|supported)|unsupported|unimplemented/i.test(message) &&
    !/marker/i.test(message)
  );
}
