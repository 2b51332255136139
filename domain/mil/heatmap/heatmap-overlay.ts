import sharp from 'sharp';
import type { Pixels } from '../../pathology/slides/images.js';
import { reducedPieces } from '../../pathology/slides/level-pieces.js';
import type { Slide } from '../../pathology/slides/slide.js';
import type { Region } from '../../pathology/annotations/region.js';
import { colormap, type ColormapName, type Rgb } from './colormap.js';

/** A small image of a slide. `scale` is thumbnail pixels per level-0 pixel, for each axis. */
export interface Thumbnail extends Pixels {
  scale: readonly [number, number];
}

/**
 * Reads an image of the whole slide from the smallest level that is large enough. Its longer side has
 * `longest` pixels, or fewer for smaller slides. Memory: one piece of a level and the result, even for a
 * slide with a single huge level.
 */
export async function slideThumbnail(slide: Slide, longest: number): Promise<Thumbnail> {
  const { levels } = slide.info;
  const sides = levels.map(({ width, height }) => Math.max(width, height));
  const level = sides.findLastIndex((side, i) => i === 0 || side >= longest);
  let factor = 1;
  while (sides[level] / (factor * 2) >= longest) factor *= 2;
  const [width, height] = [levels[level].width, levels[level].height].map((side) => Math.ceil(side / factor));
  const data = new Uint8Array(width * height * 3);
  for (const piece of reducedPieces(slide, level, factor)) {
    for (let row = 0; row < piece.height; row++) {
      const line = piece.rgb.subarray(row * piece.width * 3, (row + 1) * piece.width * 3);
      data.set(line, ((piece.y + row) * width + piece.x) * 3);
    }
  }
  const small = await resizeToFit({ data, width, height, channels: 3 }, longest);
  return { ...small, scale: [small.width / levels[0].width, small.height / levels[0].height] };
}

async function resizeToFit(image: Pixels, longest: number): Promise<Pixels> {
  const { width, height, channels } = image;
  if (Math.max(width, height) <= longest) return image;
  const { data, info } = await sharp(image.data, { raw: { width, height, channels } })
    .resize(longest, longest, { fit: 'inside' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels };
}

/**
 * `cyan`: cyan where scores are high, like the paper's figure. A color map: every patch colored over a gray
 * slide.
 */
export type OverlayStyle = 'cyan' | ColormapName;

const CYAN: Rgb = [0, 229, 255];

/**
 * Draws scores over a thumbnail.
 *
 * @param heat row-major grid of the thumbnail's size, values in [0, 1], NaN where there is no patch
 */
export function overlayScores(thumbnail: Pixels, heat: Float32Array, style: OverlayStyle): Pixels {
  const data = Uint8Array.from(thumbnail.data);
  const pickColor = style === 'cyan' ? () => CYAN : colormap(style);
  for (let cell = 0; cell < heat.length; cell++) {
    const at = cell * 3;
    if (style !== 'cyan') toGray(data, at);
    const value = heat[cell];
    if (Number.isNaN(value)) continue;
    // Cyan starts at one half and is strongest at 1, so that tissue with low scores stays unchanged.
    const opacity = style === 'cyan' ? Math.max(0, value - 0.5) * 1.3 : 0.6;
    const color = pickColor(value);
    for (let c = 0; c < 3; c++) data[at + c] = Math.round(data[at + c] * (1 - opacity) + color[c] * opacity);
  }
  return { ...thumbnail, data };
}

/** Luminance of BT.601, slightly raised so that colors over it stay readable. */
function toGray(data: Uint8Array, at: number): void {
  const luminance = 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
  data.fill(Math.round(64 + luminance * 0.75), at, at + 3);
}

/**
 * Draws the outlines of an annotation in blue, with holes dashed. `scale` is thumbnail pixels per level-0
 * pixel.
 */
export async function outlineRegions(
  image: Pixels,
  regions: readonly Region[],
  scale: readonly [number, number],
): Promise<Pixels> {
  if (regions.length === 0) return image;
  const { width, height, channels } = image;
  const stroke = Math.max(2, Math.max(width, height) / 300);
  const paths = regions.map(({ rings, excluded }) => {
    const d = rings.map(
      (ring) =>
        `M${ring.map(([x, y]) => `${(x * scale[0]).toFixed(1)} ${(y * scale[1]).toFixed(1)}`).join('L')}Z`,
    );
    return `<path d="${d.join('')}"${excluded ? ` stroke-dasharray="${stroke * 2}"` : ''}/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><g fill="none" stroke="#1440ff" stroke-width="${stroke}" stroke-linejoin="round">${paths.join('')}</g></svg>`;
  const data = await sharp(image.data, { raw: { width, height, channels } })
    .composite([{ input: Buffer.from(svg) }])
    .removeAlpha()
    .raw()
    .toBuffer();
  return { ...image, data };
}
