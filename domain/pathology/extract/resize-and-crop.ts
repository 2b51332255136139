import { SamMilError } from '../../errors.js';
import { Resizer, type ResizeFilter } from '../slides/resize.js';

export interface ResizeAndCropRule {
  /** Length in pixels that the shorter side is resized to. */
  shortestEdge: number;
  /** Side of the square that is cut from the center. At most `shortestEdge`. */
  crop: number;
  filter: ResizeFilter;
}

/**
 * Resizes the shorter side of RGB images of one size to a length and cuts a square from their center, with
 * the same bits as `Resize(shortestEdge)` and `CenterCrop(crop)` of torchvision on Pillow images. Not safe
 * for concurrent calls.
 */
export class ResizeAndCrop {
  private readonly resizer?: Resizer;
  private readonly resized: Uint8Array;
  private readonly width: number;
  private readonly left: number;
  private readonly top: number;
  private readonly crop: number;

  /** @throws SamMilError InvalidInput on a side that is not a positive integer, or a crop beyond the image */
  constructor(fromWidth: number, fromHeight: number, { shortestEdge, crop, filter }: ResizeAndCropRule) {
    const [width, height] = scaledSize(fromWidth, fromHeight, shortestEdge);
    if (!Number.isInteger(crop) || crop < 1 || crop > shortestEdge) {
      throw new SamMilError('InvalidInput', 'the crop does not fit into the resized image', {
        expected: `1 to ${shortestEdge} pixels`,
        found: `${crop}`,
      });
    }
    const same = width === fromWidth && height === fromHeight;
    if (!same) this.resizer = new Resizer(fromWidth, fromHeight, width, height, filter);
    this.resized = new Uint8Array(same ? 0 : width * height * 3);
    this.width = width;
    this.left = roundHalfToEven((width - crop) / 2);
    this.top = roundHalfToEven((height - crop) / 2);
    this.crop = crop;
  }

  /**
   * @param rgb `fromHeight` x `fromWidth` x 3, row-major
   * @param into `crop` x `crop` x 3; filled and returned
   */
  apply(rgb: Uint8Array, into: Uint8Array = new Uint8Array(this.crop * this.crop * 3)): Uint8Array {
    const source = this.resizer?.resize(rgb, this.resized) ?? rgb;
    const bytes = this.crop * 3;
    for (let row = 0; row < this.crop; row++) {
      const start = ((this.top + row) * this.width + this.left) * 3;
      into.set(source.subarray(start, start + bytes), row * bytes);
    }
    return into;
  }
}

/** As in torchvision: the longer side is rounded down. */
function scaledSize(width: number, height: number, shortestEdge: number): [number, number] {
  if (width <= height) return [shortestEdge, Math.trunc((shortestEdge * height) / width)];
  return [Math.trunc((shortestEdge * width) / height), shortestEdge];
}

/** Python's `round`, which torchvision applies to the corner of the crop. */
function roundHalfToEven(value: number): number {
  const down = Math.floor(value);
  return value - down === 0.5 ? down + (down % 2) : Math.round(value);
}
