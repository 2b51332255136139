/**
 * Median of the `size` x `size` window around each pixel with replicated borders, equal to OpenCV's
 * medianBlur. `size` is odd. A histogram slides along each row and the median is updated incrementally (T.
 * Huang, G. Yang, G. Tang, A fast two-dimensional median filtering algorithm, 1979); the time grows with
 * `size`, not with its square.
 */
export function medianBlur(values: Uint8Array, width: number, height: number, size: number): Uint8Array {
  if (size <= 1) return values.slice();
  const half = size >> 1;
  const window = new MedianWindow(size);
  const result = new Uint8Array(values.length);
  const rows = new Int32Array(size);
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < size; i++) rows[i] = clamp(y - half + i, height - 1) * width;
    window.clear();
    for (let x = -half; x <= half; x++) {
      const column = clamp(x, width - 1);
      for (let i = 0; i < size; i++) window.add(values[rows[i] + column]);
    }
    const start = y * width;
    result[start] = window.median();
    for (let x = 1; x < width; x++) {
      const gone = clamp(x - half - 1, width - 1);
      const come = clamp(x + half, width - 1);
      for (let i = 0; i < size; i++) window.replace(values[rows[i] + gone], values[rows[i] + come]);
      result[start + x] = window.median();
    }
  }
  return result;
}

/** Histogram of a window, with the count of values below the last requested median. */
class MedianWindow {
  private readonly counts = new Int32Array(256);
  private readonly middle: number;
  private current = 0;
  private below = 0;

  constructor(size: number) {
    this.middle = (size * size) >> 1;
  }

  clear(): void {
    this.counts.fill(0);
    this.current = this.below = 0;
  }

  add(value: number): void {
    this.counts[value]++;
    if (value < this.current) this.below++;
  }

  replace(gone: number, come: number): void {
    if (gone === come) return;
    this.counts[gone]--;
    this.counts[come]++;
    if (gone < this.current) this.below--;
    if (come < this.current) this.below++;
  }

  median(): number {
    const { counts, middle } = this;
    while (this.below > middle) this.below -= counts[--this.current];
    while (this.below + counts[this.current] <= middle) this.below += counts[this.current++];
    return this.current;
  }
}

function clamp(index: number, last: number): number {
  return index < 0 ? 0 : index > last ? last : index;
}
