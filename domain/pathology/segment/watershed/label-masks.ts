import { areaOf, bboxOf, type Bbox, type Rle } from '../../../files/run-length.js';

export interface LabelMask {
  rle: Rle;
  area: number;
  bbox: Bbox;
}

/**
 * Computes the run lengths of all labels of a label image in one pass over its columns. Memory grows with the
 * runs, not with one mask per label.
 *
 * @param labels height x width, row-major; 0 is no label
 */
export function labelMasks(labels: Int32Array, width: number, height: number): Map<number, LabelMask> {
  const stretches = new Map<number, number[]>();
  let current = 0;
  for (let x = 0, position = 0; x < width; x++) {
    for (let y = 0; y < height; y++, position++) {
      const label = labels[y * width + x];
      if (label === current) continue;
      if (current !== 0) stretches.get(current)?.push(position);
      if (label !== 0) {
        const known = stretches.get(label);
        if (known) known.push(position);
        else stretches.set(label, [position]);
      }
      current = label;
    }
  }
  if (current !== 0) stretches.get(current)?.push(width * height);
  return new Map([...stretches].map(([label, edges]) => [label, toMask(edges, width, height)]));
}

/** @param edges column-major positions at which the mask starts and ends, alternating */
function toMask(edges: readonly number[], width: number, height: number): LabelMask {
  const counts: number[] = [];
  let last = 0;
  for (const edge of [...edges, width * height]) {
    counts.push(edge - last);
    last = edge;
  }
  // An empty last run is omitted, as in the encoder of COCO.
  if (counts.length > 1 && counts.at(-1) === 0) counts.pop();
  const rle: Rle = { size: [height, width], counts: Uint32Array.from(counts) };
  return { rle, area: areaOf(rle), bbox: bboxOf(rle) };
}
