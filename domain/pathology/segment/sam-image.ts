import { SamMilError } from '../../errors.js';
import { type Box, computeExtent } from '../layouts/tissue-box.js';
import { Resizer } from '../slides/resize.js';
import type { Level, Slide } from '../slides/slide.js';
import type { Level0Px } from '../../units.js';

/** Longest side of the SAM image in pixels. */
const LONGEST_SIDE = 1024;

/** Bytes per strip of level pixels while a level is reduced. */
const STRIP_BYTES = 48 << 20;

/** Level that is read for the SAM image, and its reduction. */
export interface SamImagePlan extends Box {
  /** Level-0 pixels per image pixel, a power of two. */
  total: number;
  visLevel: number;
  /** Remaining downsample: int(downsample of visLevel) * downsampleRatio = total. */
  downsampleRatio: number;
  /** Size of the image. */
  width: number;
  height: number;
}

export interface SamImage extends SamImagePlan {
  /** height x width x 3. */
  rgb: Uint8Array;
}

/**
 * Returns the box of patches. `coords` is N x 2 in level-0 pixels, `size` the width and height of a patch in
 * level-0 pixels.
 */
export function patchBounds(coords: Int32Array, size: readonly [Level0Px, Level0Px]): Box {
  const [startX, startY, lastX, lastY] = computeExtent([coords]);
  return { startX, startY, stopX: lastX + size[0], stopY: lastY + size[1] };
}

/**
 * Plans the image by the rule of SAM-MIL: the total downsample is 2^ceil(log2(max(w, h) / 1024)), or 1 if the
 * box is at most 1024; it reads the deepest level whose int(downsample) does not exceed the total and reduces
 * by the remainder. The box is clipped to the slide. A remainder of less than one image pixel at the right
 * and bottom is dropped, so that image pixels are whole and the frame is exact.
 *
 * @throws SamMilError InvalidInput if the box is outside the slide
 */
export function planSamImage(levels: readonly Level[], requested: Box, file: string): SamImagePlan {
  const [{ width: slideWidth, height: slideHeight }] = levels;
  const box = {
    startX: Math.max(0, requested.startX),
    startY: Math.max(0, requested.startY),
    stopX: Math.min(slideWidth, requested.stopX),
    stopY: Math.min(slideHeight, requested.stopY),
  };
  const [w, h] = [box.stopX - box.startX, box.stopY - box.startY];
  if (!(w > 0 && h > 0)) {
    throw new SamMilError('InvalidInput', 'the patches are outside the slide', {
      file,
      expected: `coordinates within ${slideWidth} x ${slideHeight}`,
      found: `${requested.startX}, ${requested.startY} to ${requested.stopX}, ${requested.stopY}`,
      next: 'check that the slide and the patches belong together',
    });
  }
  const total = Math.max(1, 2 ** Math.ceil(Math.log2(Math.max(w, h) / LONGEST_SIDE)));
  const visLevel = levels.findLastIndex((level) => Math.trunc(level.downsample[0]) <= total);
  const downsampleRatio = total / Math.trunc(levels[visLevel].downsample[0]);
  const [width, height] = [w, h].map((size) => Math.max(1, Math.floor(size / total)));
  return { ...box, total, visLevel, downsampleRatio, width, height };
}

/**
 * Reads the image. A level that is much larger than the image (as in a slide with one level) is read in
 * strips and reduced by box means, so memory stays below about twice `stripBytes`. A fractional remainder is
 * handled by antialiased bilinear resizing.
 *
 * @throws SamMilError CorruptSlide from the reader
 */
export function readSamImage(slide: Slide, plan: SamImagePlan, stripBytes = STRIP_BYTES): SamImage {
  const { width, height, total, visLevel } = plan;
  const [scaleX, scaleY] = slide.info.levels[visLevel].downsample;
  const factor = Math.max(1, Math.floor(Math.min(total / scaleX, total / scaleY) + 0.01));
  const reduced = {
    width: Math.max(1, Math.round((width * total) / scaleX / factor)),
    height: Math.max(1, Math.round((height * total) / scaleY / factor)),
  };
  const rgb = readReduced(slide, plan, factor, reduced, stripBytes);
  const same = reduced.width === width && reduced.height === height;
  if (same) return { ...plan, rgb };
  const resizer = new Resizer(reduced.width, reduced.height, width, height, 'bilinear');
  return { ...plan, rgb: resizer.resize(rgb) };
}

/** Reads the box of the plan at its level and averages every `factor` x `factor` pixels. */
function readReduced(
  slide: Slide,
  { startX, startY, visLevel }: SamImagePlan,
  factor: number,
  { width, height }: { width: number; height: number },
  stripBytes: number,
): Uint8Array {
  const levelWidth = width * factor;
  if (factor === 1) return slide.readRegion(startX, startY, visLevel, width, height);
  const scaleY = slide.info.levels[visLevel].downsample[1];
  const rowsAtOnce = Math.min(height, Math.max(1, Math.floor(stripBytes / (levelWidth * factor * 3))));
  const strip = new Uint8Array(levelWidth * rowsAtOnce * factor * 3);
  const reduced = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, height - row);
    const into = strip.subarray(0, levelWidth * rows * factor * 3);
    const y = startY + Math.round(row * factor * scaleY);
    slide.readRegion(startX, y, visLevel, levelWidth, rows * factor, into);
    boxMeans(into, levelWidth, factor, rows, reduced.subarray(row * width * 3, (row + rows) * width * 3));
  }
  return reduced;
}

function boxMeans(pixels: Uint8Array, stride: number, factor: number, rows: number, into: Uint8Array): void {
  const width = stride / factor;
  const sums = new Uint32Array(width * 3);
  const half = (factor * factor) >> 1;
  for (let row = 0; row < rows; row++) {
    sums.fill(half);
    for (let y = 0; y < factor; y++) {
      let at = (row * factor + y) * stride * 3;
      for (let x = 0; x < width; x++) {
        for (let k = 0; k < factor; k++, at += 3) {
          sums[3 * x] += pixels[at];
          sums[3 * x + 1] += pixels[at + 1];
          sums[3 * x + 2] += pixels[at + 2];
        }
      }
    }
    for (let i = 0; i < sums.length; i++) into[row * sums.length + i] = sums[i] / (factor * factor);
  }
}
