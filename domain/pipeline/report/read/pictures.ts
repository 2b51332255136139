import sharp from 'sharp';
import type { Picture } from '../data/report-data.js';

/** Artifacts in smaller pictures are not visible. */
const FINE = 200;

/**
 * Converts a picture file to a JPEG small enough to embed: at most `longest` pixels on its longer side.
 * @throws the error of libvips if the file is not a picture
 */
export async function embedPicture(
  path: string,
  caption: string,
  alt: string,
  longest: number,
): Promise<Picture> {
  const { data, info } = await sharp(path)
    .resize(longest, longest, { fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: longest < FINE ? 72 : 84, mozjpeg: true })
    .toBuffer({ resolveWithObject: true });
  const source = `data:image/jpeg;base64,${data.toString('base64')}`;
  return { caption, alt, source, width: info.width, height: info.height };
}
