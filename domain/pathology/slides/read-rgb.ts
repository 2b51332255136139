import sharp, { type Sharp, type SharpOptions } from 'sharp';

/** How the stored samples of an image become RGB. */
export type SampleKind = 'rgb' | 'rgba' | 'cmyk';

/** RGB, row-major, 3 bytes per pixel. */
export interface RgbImage {
  data: Uint8Array;
  width: number;
  height: number;
}

/** As in Pillow, keep stored values and ignore the color profile. */
const STORED_VALUES = { ignoreIcc: true } as const satisfies SharpOptions;

/** Opens an image so that its stored samples are read; orientation tags are ignored. */
export function openStored(input: string | Uint8Array, options: SharpOptions = {}): Sharp {
  return sharp(input, { ...STORED_VALUES, ...options });
}

/** @throws Error for samples that do not state what white is (floats, signed, more than 16 bits) */
export async function sampleKind(image: Sharp): Promise<SampleKind> {
  const { space, depth, hasAlpha } = await image.metadata();
  if (depth !== 'uchar' && depth !== 'ushort') throw new Error(`samples of type ${depth} are not supported`);
  if (space === 'lab' || space === 'labs') throw new Error(`the color space ${space} is not supported`);
  if (space === 'cmyk') return 'cmyk';
  return hasAlpha ? 'rgba' : 'rgb';
}

/** Converts to 8 bits in the color space in which {@link readRgb} reads the pixels. */
export function inReadSpace(image: Sharp, kind: SampleKind): Sharp {
  if (kind === 'cmyk') return image.pipelineColorspace('cmyk').toColorspace('cmyk');
  const color = image.toColorspace('srgb');
  return kind === 'rgb' ? color.removeAlpha() : color;
}

/**
 * Reads RGB. Colors under zero alpha become black, as in OpenSlide; other alpha is dropped. CMYK becomes RGB
 * by the formula of Pillow's `convert("RGB")`.
 */
export async function readRgb(image: Sharp, kind: SampleKind): Promise<RgbImage> {
  const { data, info } = await inReadSpace(image, kind)
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  return { data: toRgb(data, kind), width, height };
}

/** Reads the first band of an image of one gray sample. */
export async function readGray(image: Sharp): Promise<RgbImage> {
  const { data, info } = await image
    .toColorspace('srgb')
    .extractChannel(0)
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/** Puts red, green and blue planes together. */
export function joinPlanes(planes: readonly Uint8Array[]): Uint8Array {
  const rgb = new Uint8Array(planes[0].length * 3);
  planes.forEach((plane, band) => {
    for (let i = 0; i < plane.length; i++) rgb[i * 3 + band] = plane[i];
  });
  return rgb;
}

function toRgb(data: Uint8Array, kind: SampleKind): Uint8Array {
  if (kind === 'rgb') return data;
  const rgb = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const last = data[from + 3];
    for (let band = 0; band < 3; band++) {
      const value = data[from + band];
      rgb[to + band] = kind === 'cmyk' ? withoutInk(value, 255 - last) : last === 0 ? 0 : value;
    }
  }
  return rgb;
}

/** Light that is left by one ink (0 to 255) of the light that black leaves, rounded. */
function withoutInk(ink: number, light: number): number {
  const product = ink * light + 128;
  return light - ((product + (product >> 8)) >> 8);
}
/** The message of an error in one line. libvips repeats a line for each tile; each different one counts. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split('\n').map((line) => line.trim());
  return [...new Set(lines.filter((line) => line !== ''))].join(' ');
}
