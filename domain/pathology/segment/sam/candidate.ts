import type { Rle } from '../../../files/run-length.js';
import type { PixelBox } from './box-suppression.js';

/** A mask from one point of one crop, in pixels of the whole image. */
export interface Candidate {
  rle: Rle;
  area: number;
  box: PixelBox;
  /** Quality predicted by the model. */
  iou: number;
  stability: number;
  /** Prompt point: x, y. */
  point: [number, number];
}

/** Number of masks of a crop, and how many remained after each filter. */
export interface CropCounts {
  candidates: number;
  afterPredIou: number;
  afterStability: number;
  afterEdge: number;
  afterBoxNms: number;
}
