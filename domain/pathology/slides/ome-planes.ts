import type { OmeDescription, OmeImage } from './ome.js';

/** A plane of an image and the page of the TIFF that holds it. */
interface Plane {
  z: number;
  c: number;
  t: number;
  page: number;
}

/** Where OME-XML places one image in its TIFF. */
export interface PlacedImage {
  image: OmeImage;
  sizes: { z: number; c: number; t: number };
  /** Pages of all planes. */
  pages: number[];
  /** Page of each channel at the first focus position and time. */
  channels: number[];
}

/** More planes of an image, and more images, than a slide has; what follows is left out. */
const MOST_PLANES = 4096;
const MOST_IMAGES = 256;

/** Returns the images with their pages. An image without `TiffData` follows the one before it. */
export function placeImages({ images }: OmeDescription): PlacedImage[] {
  let next = 0;
  return images.slice(0, MOST_IMAGES).map((image) => {
    const size = (axis: string) => Math.max(1, Number.parseInt(image.pixels[`Size${axis}`] ?? '1', 10) || 1);
    const samples = Math.max(1, Number.parseInt(image.channels[0]?.SamplesPerPixel ?? '1', 10) || 1);
    const sizes = { z: size('Z'), c: Math.max(1, Math.round(size('C') / samples)), t: size('T') };
    const planes = placePlanes(image, sizes, next);
    next = Math.max(next, ...planes.map(({ page }) => page + 1));
    const first = planes.filter(({ z, t }) => z === 0 && t === 0).sort((a, b) => a.c - b.c);
    return { image, sizes, pages: planes.map(({ page }) => page), channels: first.map(({ page }) => page) };
  });
}

function placePlanes(image: OmeImage, sizes: PlacedImage['sizes'], next: number): Plane[] {
  const order = (image.pixels.DimensionOrder ?? 'XYZCT').slice(2).toLowerCase();
  const axes = [...order].filter(
    (axis): axis is 'z' | 'c' | 't' => axis === 'z' || axis === 'c' || axis === 't',
  );
  const total = Math.min(MOST_PLANES, sizes.z * sizes.c * sizes.t);
  const steps = { z: 1, c: 1, t: 1 };
  for (let step = 1, i = 0; i < axes.length; step *= sizes[axes[i++]]) steps[axes[i]] = step;
  const planeAt = (index: number, page: number): Plane => {
    const at = (axis: 'z' | 'c' | 't') => Math.floor(index / steps[axis]) % sizes[axis];
    return { z: at('z'), c: at('c'), t: at('t'), page };
  };
  if (image.tiffData.length === 0) {
    return Array.from({ length: total }, (_, index) => planeAt(index, next + index));
  }
  const planes: Plane[] = [];
  for (const data of image.tiffData) {
    const number = (key: string, otherwise: number) => Number.parseInt(data[key] ?? '', 10) || otherwise;
    const start =
      number('FirstZ', 0) * steps.z + number('FirstC', 0) * steps.c + number('FirstT', 0) * steps.t;
    const count = number('PlaneCount', data.IFD === undefined ? total : 1);
    const length = Math.min(count, total - start, MOST_PLANES - planes.length);
    for (let i = 0; i < length; i++) planes.push(planeAt(start + i, number('IFD', 0) + i));
  }
  return planes;
}

/** `Color` of OME-XML: RGBA in a signed 32-bit integer. */
const COLORS = [0xff0000ff, 0x00ff00ff, 0x0000ffff].map((color) => color | 0);
const NAMES = [/^r(ed)?$/i, /^g(reen)?$/i, /^b(lue)?$/i];
const NAMELESS = /^(channel|c|ch)?[ :_-]*\d*(:\d+)?$/i;

/**
 * Whether three channels of one sample are the red, green and blue of a bright-field image: their names or
 * colors say so, or say nothing. Channels of fluorescence have the names of dyes, or other colors.
 */
export function areRedGreenBlue({ channels }: OmeImage): boolean {
  return COLORS.every((color, index) => {
    const { Name: name = '', Color: stated } = (channels[index] ?? {}) as Record<string, string | undefined>;
    if (NAMES[index].test(name.trim())) return true;
    const white = stated === '-1';
    return NAMELESS.test(name.trim()) && (stated === undefined || white || Number(stated) === color);
  });
}
