/** A part of the image that SAM processes separately, in image pixels; `right` and `bottom` are exclusive. */
export interface CropBox {
  left: number;
  top: number;
  right: number;
  bottom: number;
  /** 0: the whole image; layer i has 2^i x 2^i crops. */
  layer: number;
}

/**
 * Lists the crops of segment-anything's automatic mask generator in its order: the whole image, then layer by
 * layer, columns from left to right and each from top to bottom. Crops of a layer overlap by `overlapRatio`
 * of the shorter image side, halved in each layer.
 */
export function cropBoxes(
  width: number,
  height: number,
  layers: number,
  overlapRatio: number,
): [CropBox, ...CropBox[]] {
  const boxes: [CropBox, ...CropBox[]] = [{ left: 0, top: 0, right: width, bottom: height, layer: 0 }];
  const shorter = Math.min(width, height);
  for (let layer = 1; layer <= layers; layer++) {
    const perSide = 2 ** layer;
    const overlap = Math.trunc(overlapRatio * shorter * (2 / perSide));
    const [cropWidth, cropHeight] = [width, height].map((side) =>
      Math.ceil((overlap * (perSide - 1) + side) / perSide),
    );
    for (let column = 0; column < perSide; column++) {
      for (let row = 0; row < perSide; row++) {
        const [left, top] = [(cropWidth - overlap) * column, (cropHeight - overlap) * row];
        const [right, bottom] = [Math.min(left + cropWidth, width), Math.min(top + cropHeight, height)];
        boxes.push({ left, top, right, bottom, layer });
      }
    }
  }
  return boxes;
}

/** Copies the pixels of a crop as a separate image: height x width x 3. */
export function cutCrop(
  rgb: Uint8Array,
  imageWidth: number,
  { left, top, right, bottom }: CropBox,
): Uint8Array {
  const bytes = (right - left) * 3;
  const cut = new Uint8Array(bytes * (bottom - top));
  for (let y = top; y < bottom; y++) {
    const start = (y * imageWidth + left) * 3;
    cut.set(rgb.subarray(start, start + bytes), (y - top) * bytes);
  }
  return cut;
}
