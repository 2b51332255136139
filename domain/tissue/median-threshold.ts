/**
 * 255 where the median of the `size` x `size` window around a pixel is above `threshold`, else 0; the border is replicated. Equal to OpenCV's
 * medianBlur followed by a binary threshold: the median of an odd number of values is above T exactly if more than half of them are, so
 * counting takes the place of sorting. `size` is odd. Time does not depend on `size`.
 */
export function medianAbove(
  values: Uint8Array,
  width: number,
  height: number,
  size: number,
  threshold: number,
): Uint8Array {
  const half = size >> 1;
  const needed = (size * size + 1) / 2;
  const result = new Uint8Array(values.length);
  // counts[half + x]: values above the threshold in column x of the window's rows; both ends hold the replicated border columns.
  const counts = new Uint16Array(width + 2 * half);
  const addRow = (row: number, sign: 1 | -1) => {
    const start = Math.min(Math.max(row, 0), height - 1) * width;
    for (let x = 0; x < width; x++) if (values[start + x] > threshold) counts[half + x] += sign;
  };
  for (let row = -half; row < half; row++) addRow(row, 1);
  for (let y = 0; y < height; y++) {
    addRow(y + half, 1);
    counts.fill(counts[half], 0, half);
    counts.fill(counts[half + width - 1], half + width);
    let inside = 0;
    for (let x = 0; x < size - 1; x++) inside += counts[x];
    for (let x = 0; x < width; x++) {
      inside += counts[x + size - 1];
      if (inside >= needed) result[y * width + x] = 255;
      inside -= counts[x];
    }
    addRow(y - half, -1);
  }
  return result;
}
