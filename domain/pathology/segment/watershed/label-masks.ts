import { areaOf, bboxOf, type Bbox, type Rle } from '../../../files/run-length.js';

export interface LabelMask {
  rle: Rle;
  area: number;
  bbox: Bbox;
}

/**
 * Run lengths of every label of a label image at once, in one pass down the columns: memory is that of the runs, not of a mask a label.
 *
 * @param labels height x width, row major; 0 belongs to no label
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
  return new Map([...stretches].map(([label, edges]) => [label, maskOf(edges, width, height)]));
}

/** @param edges positions (column major) at which the mask begins and ends, in turn */
function maskOf(edges: readonly number[], width: number, height: number): LabelMask {
  const counts: number[] = [];
  let last = 0;
  for (const edge of [...edges, width * height]) {
    counts.push(edge - last);
    last = edge;
  }
  // A run of nothing at the end is left out, as COCO's encoder does.
  if (counts.length > 1 && counts.at(-1) === 0) counts.pop();
  const rle: Rle = { size: [height, width], counts: Uint32Array.from(counts) };
  return { rle, area: areaOf(rle), bbox: bboxOf(rle) };
}
