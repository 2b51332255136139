import { closeSync, readSync } from 'node:fs';
import { openRegular } from '../../regular-file.js';
import { TiffFile } from './tiff-file.js';
import { readResolution } from './tiff-image.js';

/** The resolution of a JPEG or PNG is stated before its pixels, among profiles and texts. */
const HEAD_BYTES = 4 << 20;

/**
 * Reads µm per pixel of a JPEG (JFIF or EXIF) or PNG, by the names of OpenSlide. Empty if the file states
 * none, or only the ratio of both axes (a density without unit).
 */
export function statedResolution(path: string): Record<string, string> {
  const { descriptor } = openRegular(path);
  try {
    const bytes = Buffer.alloc(HEAD_BYTES);
    const head = bytes.subarray(0, readSync(descriptor, bytes, 0, HEAD_BYTES, 0));
    return head.length > 8 && head.readUInt32BE(0) === 0x89504e47 ? ofPng(head) : ofJpeg(head);
  } finally {
    closeSync(descriptor);
  }
}

/** µm per pixel from pixels per length. */
function byDensity(x: number, y: number, micrometers: number): Record<string, string> {
  if (!(x > 0 && y > 0)) return {};
  return { 'openslide.mpp-x': String(micrometers / x), 'openslide.mpp-y': String(micrometers / y) };
}

/** The chunk pHYs: pixels per unit in x and y, and the unit, of which 1 is the meter. */
function ofPng(bytes: Buffer): Record<string, string> {
  for (let at = 8; at + 21 <= bytes.length;) {
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (type === 'IDAT') break;
    if (type === 'pHYs') {
      if (bytes[at + 16] !== 1) return {};
      return byDensity(bytes.readUInt32BE(at + 8), bytes.readUInt32BE(at + 12), 1e6);
    }
    at += 12 + bytes.readUInt32BE(at);
  }
  return {};
}

/** Micrometers per unit of a JFIF density; 0 is only the ratio of both axes. */
const JFIF_UNITS: Readonly<Record<number, number>> = { 1: 25400, 2: 10000 };

const START_OF_SCAN = 0xda;

/** EXIF states the resolution as a TIFF does, and overrides the density of JFIF, as in libvips. */
function ofJpeg(bytes: Buffer): Record<string, string> {
  let found: Record<string, string> = {};
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1];
    if (marker === START_OF_SCAN) break;
    const length = bytes.readUInt16BE(at + 2);
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (marker === 0xe0 && segment.length >= 12 && segment.toString('latin1', 0, 5) === 'JFIF\0') {
      const unit = JFIF_UNITS[segment[7]] as number | undefined;
      if (unit !== undefined) found = byDensity(segment.readUInt16BE(8), segment.readUInt16BE(10), unit);
    }
    if (marker === 0xe1 && segment.toString('latin1', 0, 6) === 'Exif\0\0') {
      found = { ...found, ...ofExif(segment.subarray(6)) };
    }
    at += 2 + length;
  }
  return found;
}

function ofExif(bytes: Buffer): Record<string, string> {
  const properties = TiffFile.within(bytes, (tiff) => {
    const [first] = tiff.directories();
    const entryOf = (tag: number) => first?.entries.find((entry) => entry.tag === tag);
    return readResolution((tag) => {
      const entry = entryOf(tag);
      return entry === undefined ? [] : [...tiff.numbers(entry)];
    });
  });
  return properties ?? {};
}
