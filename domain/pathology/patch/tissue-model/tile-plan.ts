/** Masks with more pixels are averaged while they are made. */
export const MOST_MASK_PIXELS = 16e6;

/** How a slide is cut into tiles. Sizes are in pixels of the model's resolution unless stated otherwise. */
export interface TilePlan {
  size: number;
  /** Pixels above and to the left of the part of a tile that is used. */
  lead: number;
  /** Side of that part; tiles are this far apart. */
  core: number;
  columns: number;
  rows: number;
  /** Model pixels per pixel of the output. */
  stride: number;
  /** Pixels of the output per pixel of the mask, per axis; a power of two. */
  reduction: number;
  /** Size of the mask in its own pixels. */
  maskWidth: number;
  maskHeight: number;
}

/**
 * Plans tiles whose used parts cover the slide without overlap. At least `margin` pixels around each used
 * part are computed too, so that the model sees the surroundings of every pixel. Beyond the border of the
 * slide the tiles are white.
 *
 * @param width of the slide at the model's resolution
 */
export function planTiles(
  [width, height]: readonly [number, number],
  { size, margin = Math.floor(size / 8), stride }: { size: number; margin?: number; stride: number },
  limit = MOST_MASK_PIXELS,
): TilePlan {
  const lead = Math.ceil(margin / stride) * stride;
  const most = Math.max(stride, size - lead - margin);
  let reduction = 1;
  const side = (length: number) => Math.ceil(length / (stride * reduction));
  while (side(width) * side(height) > limit && stride * reduction * 2 <= most) reduction *= 2;
  const unit = stride * reduction;
  const core = Math.floor(most / unit) * unit;
  return {
    size,
    lead: Math.min(lead, size - core),
    core,
    columns: Math.ceil(width / core),
    rows: Math.ceil(height / core),
    stride,
    reduction,
    maskWidth: side(width),
    maskHeight: side(height),
  };
}
