/** A binary mask as COCO run lengths: column-major, beginning with background, so `counts[0]` may be 0. */
export interface Rle {
  /** Height, width. */
  size: [number, number];
  /** Lengths of alternating runs of 0 and 1 down the columns. Their sum is height x width. */
  counts: Uint32Array;
}

/**
 * Bounding box in pixels, as in SAM: x and y of the first set pixel and the distance to the last one (a mask
 * that is one pixel wide has w = 0).
 */
export type Bbox = [x: number, y: number, w: number, h: number];

/**
 * Encodes a mask (row-major h x w; every nonzero pixel is set).
 * @throws RangeError if the length is not h x w
 */
export function encodeMask(mask: Uint8Array, h: number, w: number): Rle {
  if (mask.length !== h * w) throw new RangeError(`encodeMask: ${mask.length} pixels are not ${h} x ${w}`);
  const counts: number[] = [];
  let run = 0;
  let value = false;
  for (let x = 0; x < w; x++) {
    for (let y = 0, at = x; y < h; y++, at += w) {
      if ((mask[at] !== 0) !== value) {
        counts.push(run);
        run = 0;
        value = !value;
      }
      run++;
    }
  }
  counts.push(run);
  return { size: [h, w], counts: Uint32Array.from(counts) };
}

/**
 * Decodes to a row-major h x w mask of 0 and 1.
 * @throws RangeError if the runs do not fill the mask exactly
 */
export function decodeMask({ size: [h, w], counts }: Rle): Uint8Array {
  checkRuns({ size: [h, w], counts });
  const mask = new Uint8Array(h * w);
  let at = 0;
  for (let index = 0; index < counts.length; index++) {
    if (index % 2 === 1) fillRun(mask, h, w, at, at + counts[index]);
    at += counts[index];
  }
  return mask;
}

function fillRun(mask: Uint8Array, h: number, w: number, start: number, end: number): void {
  let x = Math.floor(start / h);
  let y = start - x * h;
  for (let left = end - start; left > 0; left--) {
    mask[y * w + x] = 1;
    if (++y === h) {
      y = 0;
      x++;
    }
  }
}

/** Number of set pixels. */
export function areaOf({ counts }: Rle): number {
  let area = 0;
  for (let index = 1; index < counts.length; index += 2) area += counts[index];
  return area;
}

/** Bounding box of the set pixels, computed without decoding; [0, 0, 0, 0] for an empty mask, as in SAM. */
export function bboxOf({ size: [h], counts }: Rle): Bbox {
  let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
  let at = 0;
  for (let index = 0; index < counts.length; index++) {
    const end = at + counts[index];
    if (index % 2 === 1 && end > at) {
      const [first, last] = [at, end - 1];
      const spansColumns = Math.floor(first / h) !== Math.floor(last / h);
      left = Math.min(left, Math.floor(first / h));
      right = Math.max(right, Math.floor(last / h));
      top = Math.min(top, spansColumns ? 0 : first % h);
      bottom = Math.max(bottom, spansColumns ? h - 1 : last % h);
    }
    at = end;
  }
  return right < 0 ? [0, 0, 0, 0] : [left, top, right - left, bottom - top];
}

/** @throws RangeError if the runs do not fill the mask exactly */
export function checkRuns({ size: [h, w], counts }: Rle): void {
  let total = 0;
  for (const count of counts) total += count;
  if (total !== h * w)
    throw new RangeError(`run lengths add up to ${total} instead of ${h} x ${w} = ${h * w}`);
}
