/**
 * Returns 255 where the median of the `size` x `size` window around a pixel is above `threshold`, else 0,
 * with replicated borders. The result equals OpenCV's medianBlur followed by a binary threshold: the median
 * of an odd number of values is above T exactly if more than half of them are, so counting replaces sorting.
 * `size` is odd. The time does not depend on `size`.
 */
export function medianAbove(
  values: Uint8Array,
  width: number,
  height: number,
  size: number,
  threshold: number,
): Uint8Array {
  const half = size >> 1;
  const fewest = (size * size + 1) / 2 - 1;
  const result = new Uint8Array(values.length);
  // counts[half + x]: values above the threshold in column x of the window's rows; both ends hold the
  // replicated border columns.
  const counts = new Uint16Array(width + 2 * half);
  const limit = Math.floor(threshold);
  const windowStart = (row: number) => Math.min(Math.max(row, 0), height - 1) * width;
  for (let row = -half; row <= half; row++) countRow(values, windowStart(row), width, limit, counts, half);
  for (let y = 0; y < height; y++) {
    if (y > 0) moveDown(values, windowStart(y - half - 1), windowStart(y + half), width, limit, counts, half);
    counts.fill(counts[half], 0, half);
    counts.fill(counts[half + width - 1], half + width);
    slideAlong(counts, size, width, fewest, result, y * width);
  }
  return result;
}

// The code below uses signs instead of branches: if a < b, (a - b) >>> 31 is 1 and (a - b) >> 31 is all ones.

function countRow(
  values: Uint8Array,
  start: number,
  width: number,
  limit: number,
  counts: Uint16Array,
  half: number,
): void {
  for (let x = 0; x < width; x++) counts[half + x] += (limit - values[start + x]) >>> 31;
}

function moveDown(
  values: Uint8Array,
  gone: number,
  come: number,
  width: number,
  limit: number,
  counts: Uint16Array,
  half: number,
): void {
  for (let x = 0; x < width; x++) {
    counts[half + x] += ((limit - values[come + x]) >>> 31) - ((limit - values[gone + x]) >>> 31);
  }
}

function slideAlong(
  counts: Uint16Array,
  size: number,
  width: number,
  fewest: number,
  result: Uint8Array,
  start: number,
): void {
  let inside = 0;
  for (let x = 0; x < size - 1; x++) inside += counts[x];
  for (let x = 0; x < width; x++) {
    inside += counts[x + size - 1];
    result[start + x] = (fewest - inside) >> 31;
    inside -= counts[x];
  }
}
