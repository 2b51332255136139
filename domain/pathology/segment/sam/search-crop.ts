import { suppressBoxes, touchesCropEdge } from './box-suppression.js';
import type { Candidate, CropCounts } from './candidate.js';
import { type CropBox, cutCrop } from './crop-boxes.js';
import { LogitScanner } from './logit-scanner.js';
import type { SamEmbedding, SamMasks, SamModel } from './network/sam-model.js';
import type { ImageToSegment } from '../segmenter/segmenter.js';
import type { SegmentParameters } from '../segmenter/segmenter-parameters.js';

export const MASKS_PER_POINT = 3;

/** One crop and the parameters of its search. */
export interface CropSearch {
  model: SamModel;
  image: ImageToSegment;
  crop: CropBox;
  /** Points in the unit square, n x 2. */
  grid: Float64Array;
  parameters: SegmentParameters;
  signal: AbortSignal;
  /** Called once per batch of points. */
  progress(points: number): void;
}

export interface FoundInCrop {
  /** By descending predicted quality. */
  candidates: Candidate[];
  counts: CropCounts;
}

/**
 * Finds all masks of one crop: embeds its image once and decodes its grid of points in batches. Masks must
 * have a sufficient predicted IoU and stability and must not be cut off by the crop; among those with
 * overlapping boxes, the better one is kept.
 */
export async function searchCrop(search: CropSearch): Promise<FoundInCrop> {
  const { model, image, crop, grid, parameters } = search;
  const [width, height] = [crop.right - crop.left, crop.bottom - crop.top];
  const embedding = await model.embed(cutCrop(image.rgb, image.width, crop), width, height);
  const points = grid.map((share, i) => share * (i % 2 === 0 ? width : height));
  const sieve = new Sieve(search, embedding);
  const batch = 2 * parameters.pointsPerBatch;
  for (let start = 0; start < points.length; start += batch) {
    search.signal.throwIfAborted();
    const some = points.slice(start, start + batch);
    sieve.add(await model.decode(embedding, some), some);
    search.progress(Math.min(points.length, start + batch) / 2);
  }
  return sieve.best();
}

/** Filters the masks of one crop batch by batch. Only masks that pass are converted to run lengths. */
class Sieve {
  private readonly search: CropSearch;
  private readonly embedding: SamEmbedding;
  private readonly counts: CropCounts = {
    candidates: 0,
    afterPredIou: 0,
    afterStability: 0,
    afterEdge: 0,
    afterBoxNms: 0,
  };
  private readonly passed: Candidate[] = [];
  private scanner: LogitScanner | undefined;

  constructor(search: CropSearch, embedding: SamEmbedding) {
    this.search = search;
    this.embedding = embedding;
  }

  add({ logits, side, iou }: SamMasks, points: Float64Array): void {
    const { crop, parameters } = this.search;
    const least = Math.fround(parameters.predIouThresh);
    for (let mask = 0; mask < iou.length; mask++) {
      this.counts.candidates++;
      // A threshold of 0 disables a filter, as in the original.
      if (least > 0 && !(iou[mask] > least)) continue;
      this.counts.afterPredIou++;
      const point = 2 * Math.floor(mask / MASKS_PER_POINT);
      const at: [number, number] = [points[point] + crop.left, points[point + 1] + crop.top];
      const size = side * side;
      this.addMask(this.scannerFor(side), logits.subarray(mask * size, (mask + 1) * size), iou[mask], at);
    }
  }

  private addMask(scanner: LogitScanner, logits: Float32Array, iou: number, point: [number, number]): void {
    const { crop, image, parameters } = this.search;
    const { area, box, stability } = scanner.scan(logits);
    // An empty mask is dropped regardless of the thresholds.
    if (!(stability >= Math.fround(parameters.stabilityScoreThresh)) || box === undefined) return;
    this.counts.afterStability++;
    if (touchesCropEdge(box, crop, [0, 0, image.width, image.height])) return;
    this.counts.afterEdge++;
    this.passed.push({ rle: scanner.runs(), area, box, iou, stability, point });
  }

  best(): FoundInCrop {
    const { passed, counts } = this;
    const kept = suppressBoxes(
      passed.map(({ box }) => box),
      passed.map(({ iou }) => iou),
      this.search.parameters.boxNmsThresh,
    );
    counts.afterBoxNms = kept.length;
    return { candidates: kept.map((index) => passed[index]), counts };
  }

  private scannerFor(side: number): LogitScanner {
    const { model, image, crop, parameters } = this.search;
    this.scanner ??= new LogitScanner(
      side,
      model.imageSize,
      this.embedding,
      crop,
      [image.height, image.width],
      parameters.stabilityScoreOffset,
    );
    return this.scanner;
  }
}
