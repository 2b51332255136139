/**
 * Morphological close of a 0 / 255 mask with a `size` x `size` square of ones, equal to OpenCV's
 * morphologyEx(MORPH_CLOSE): the anchor is at size >> 1 in both steps, so even sizes shift the mask by a
 * pixel, and pixels outside the image are ignored. Sizes up to 1 leave the mask unchanged. It processes four
 * pixels at a time; the time grows with `size`, and the memory is twice that of the mask.
 */
export function closeMask(mask: Uint8Array, width: number, height: number, size: number): Uint8Array {
  if (size <= 1) return mask;
  const padded = new PaddedMask(width, height);
  padded.load(mask);
  padded.dilate(size);
  padded.invert();
  padded.dilate(size);
  padded.invert();
  return padded.unload();
}

/**
 * A mask with rows padded to whole words, so that a shift by one pixel is a shift of words by 8 bits (lowest
 * byte: leftmost pixel).
 */
class PaddedMask {
  private readonly width: number;
  private readonly height: number;
  /** Words per row. */
  private readonly stride: number;
  private readonly words: Int32Array;
  /** 255 for pixels of the image, 0 for padding, in the last word of a row. */
  private readonly lastWord: number;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.stride = Math.ceil(width / 4);
    this.words = new Int32Array(this.stride * height);
    this.lastWord = -1 >>> ((this.stride * 4 - width) * 8);
  }

  load(mask: Uint8Array): void {
    const bytes = this.bytes();
    for (let y = 0; y < this.height; y++) {
      bytes.set(mask.subarray(y * this.width, (y + 1) * this.width), y * this.stride * 4);
    }
  }

  unload(): Uint8Array {
    const bytes = this.bytes();
    const mask = new Uint8Array(this.width * this.height);
    for (let y = 0; y < this.height; y++) {
      const start = y * this.stride * 4;
      mask.set(bytes.subarray(start, start + this.width), y * this.width);
    }
    return mask;
  }

  /**
   * Sets each pixel to the maximum from `size >> 1` before it to `size - 1 - (size >> 1)` after it, per axis.
   */
  dilate(size: number): void {
    const before = size >> 1;
    const after = size - 1 - before;
    for (let i = 0; i < before; i++) this.spreadRight();
    for (let i = 0; i < after; i++) this.spreadLeft();
    for (let i = 0; i < before; i++) this.spreadDown();
    for (let i = 0; i < after; i++) this.spreadUp();
    this.clearPadding();
  }

  invert(): void {
    const { words } = this;
    for (let i = 0; i < words.length; i++) words[i] = ~words[i];
    this.clearPadding();
  }

  private spreadRight(): void {
    const { words, stride } = this;
    for (let row = 0; row < words.length; row += stride) {
      let carried = 0;
      for (let i = row; i < row + stride; i++) {
        const word = words[i];
        words[i] = word | (word << 8) | carried;
        carried = word >>> 24;
      }
    }
  }

  private spreadLeft(): void {
    const { words, stride } = this;
    for (let row = 0; row < words.length; row += stride) {
      let carried = 0;
      for (let i = row + stride - 1; i >= row; i--) {
        const word = words[i];
        words[i] = word | (word >>> 8) | carried;
        carried = word << 24;
      }
    }
  }

  private spreadDown(): void {
    const { words, stride } = this;
    for (let i = words.length - 1; i >= stride; i--) words[i] |= words[i - stride];
  }

  private spreadUp(): void {
    const { words, stride } = this;
    for (let i = 0; i < words.length - stride; i++) words[i] |= words[i + stride];
  }

  private clearPadding(): void {
    for (let i = this.stride - 1; i < this.words.length; i += this.stride) this.words[i] &= this.lastWord;
  }

  private bytes(): Uint8Array {
    return new Uint8Array(this.words.buffer);
  }
}
