import { SamMilError } from '../../errors.js';
import { type Box, reachOf } from '../layouts/tissue-box.js';
import { Resizer } from '../slides/resize.js';
import type { Level, Slide } from '../slides/slide.js';
import type { Level0Px } from '../../units.js';

/** Longest side that the SAM image may have, in pixels. */
const LONGEST_SIDE = 1024;

/** Bytes of one strip of level pixels while a level is reduced. */
const STRIP_BYTES = 48 << 20;

/** Which level is read for the SAM image, and how it is reduced. */
export interface SamImagePlan extends Box {
  /** Level-0 pixels to one image pixel, a power of two. */
  total: number;
  visLevel: number;
  /** The rest of the downsample: int(downsample of visLevel) * downsampleRatio = total. */
  downsampleRatio: number;
  /** Size of the image. */
  width: number;
  height: number;
}

export interface SamImage extends SamImagePlan {
  /** height x width x 3. */
  rgb: Uint8Array;
}

/** Box of patches: `coords` N x 2, each patch `size` level-0 pixels wide and high. */
export function boxOfPatches(coords: Int32Array, size: readonly [Level0Px, Level0Px]): Box {
  const [startX, startY, lastX, lastY] = reachOf([coords]);
  return { startX, startY, stopX: lastX + size[0], stopY: lastY + size[1] };
}

/**
 * SAM-MIL's rule: total downsample 2^ceil(log2(max(w, h) / 1024)), 1 where the box is no larger than 1024; read at the deepest level whose
 * int(downsample) does not exceed it; reduce by the rest. The box is clipped to the slide; a rest of less than one image pixel at its right and
 * bottom is left out, so that image pixels are whole and the frame is exact.
 *
 * @throws SamMilError `InvalidInput` where the box lies outside the slide
 */
export function planSamImage(levels: readonly Level[], wanted: Box, file: string): SamImagePlan {
  const [{ width: slideWidth, height: slideHeight }] = levels;
  const box = {
    startX: Math.max(0, wanted.startX),
    startY: Math.max(0, wanted.startY),
    stopX: Math.min(slideWidth, wanted.stopX),
    stopY: Math.min(slideHeight, wanted.stopY),
  };
  const [w, h] = [box.stopX - box.startX, box.stopY - box.startY];
  if (!(w > 0 && h > 0)) {
    throw new SamMilError('InvalidInput', 'the patches lie outside the slide', {
      file,
      expected: `coordinates within ${slideWidth} x ${slideHeight}`,
      found: `${wanted.startX}, ${wanted.startY} to ${wanted.stopX}, ${wanted.stopY}`,
      next: 'check that slide and patches belong together',
    });
  }
  const total = Math.max(1, 2 ** Math.ceil(Math.log2(Math.max(w, h) / LONGEST_SIDE)));
  const visLevel = levels.findLastIndex((level) => Math.trunc(level.downsample[0]) <= total);
  const downsampleRatio = total / Math.trunc(levels[visLevel].downsample[0]);
  const [width, height] = [w, h].map((size) => Math.max(1, Math.floor(size / total)));
  return { ...box, total, visLevel, downsampleRatio, width, height };
}

/**
 * Reads the image. A level that is much larger than the image (a slide with one level) is read in strips and reduced by box means, so memory stays
 * below about twice `stripBytes`; a rest that is no whole number is done by antialiased bilinear resizing.
 *
 * @throws SamMilError `CorruptSlide`, from the reader
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

/** The plan's box at its level, every `factor` x `factor` pixels averaged. */
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
