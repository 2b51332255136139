import type { Rle } from '../../../files/run-length.js';
import type { PixelBox } from './box-suppression.js';

/** A mask that one point of one crop gave, in pixels of the whole image. */
export interface Candidate {
  rle: Rle;
  area: number;
  box: PixelBox;
  /** The quality that the model predicts for it. */
  iou: number;
  stability: number;
  /** The point it was found from: x, y. */
  point: [number, number];
}

/** How many masks a crop gave, and how many were left after each filter. */
export interface CropCounts {
  candidates: number;
  afterPredIou: number;
  afterStability: number;
  afterEdge: number;
  afterBoxNms: number;
}
