import { SamMilError } from '../../errors.js';

/** Name of the variable that raises the limit. */
const VARIABLE = 'SAM_MIL_IMAGE_MEGAPIXELS';

/**
 * Megapixels of a plain image by format. It is decoded as a whole, to 3 bytes per pixel in the temporary
 * folder, and half a megabyte of PNG can state billions of pixels. A TIFF may be a whole slide in strips.
 */
const MEGAPIXELS: Readonly<Record<string, number>> = { tiff: 10_000 };
const DEFAULT_MEGAPIXELS = 1000;

/** Starts the message of the decoding process for an image over the limit. */
const TOO_MANY = 'too many pixels:';

/** Throws before anything is decoded. Called in the decoding process. */
export function refuseTooManyPixels(width: number, height: number, format: string): void {
  const most = pixelLimit(format);
  if (width * height > most) throw new Error(`${TOO_MANY} ${width} x ${height} (${format}), ${most}`);
}

/** Converts a message of the decoding process to its error; undefined for other messages. */
export function tooManyPixels(path: string, message: string): SamMilError | undefined {
  if (!message.startsWith(TOO_MANY)) return undefined;
  const [found, most] = message.slice(TOO_MANY.length).split(',');
  return new SamMilError('InvalidInput', 'the image has too many pixels to decode it as a whole', {
    file: path,
    expected: `at most ${Number(most) / 1e6} megapixels`,
    found: found.trim(),
    next: `convert it to a tiled TIFF, or set the environment variable ${VARIABLE} of the worker (3 bytes per pixel of the temporary folder are used)`,
  });
}

function pixelLimit(format: string): number {
  const given = Number(process.env[VARIABLE] ?? NaN);
  return (given > 0 ? given : (MEGAPIXELS[format] ?? DEFAULT_MEGAPIXELS)) * 1e6;
}
