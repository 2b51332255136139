import type { Provider } from '../../../../machine/onnx/onnx-session.js';

/** What one image, or one crop of it, became: kept until its points are done. */
export interface SamEmbedding {
  /** 1 x channels x side x side. */
  data: Float32Array;
  shape: readonly number[];
  /** Size of the crop in pixels. */
  width: number;
  height: number;
  /** Size of the crop after its longest side was brought to `imageSize`; the rest of the square is padding. */
  scaledWidth: number;
  scaledHeight: number;
}

/** Masks of a batch of points: three a point. */
export interface SamMasks {
  /** points x 3 x side x side, before the threshold at 0; the square with its padding, at a quarter of `imageSize`. */
  logits: Float32Array;
  side: number;
  /** points x 3: the quality that the model predicts for each mask. */
  iou: Float32Array;
}

/**
 * Segment Anything as two networks (Kirillov et al., "Segment Anything", ICCV 2023): an image encoder, run once a crop, and a prompt encoder with mask
 * decoder, run once a batch of points.
 */
export interface SamModel {
  /** Side in pixels of the square that the image encoder sees: 1024 in the published models. */
  readonly imageSize: number;
  /** Where the networks compute, and why there: another device gives other last bits, so a run is made on one. */
  readonly provider: Provider;
  /** @param rgb height x width x 3, 8 bits; any size: the longest side is brought to `imageSize` as Pillow's bilinear does */
  embed(rgb: Uint8Array, width: number, height: number): Promise<SamEmbedding>;
  /**
   * Three masks for each single foreground point.
   * @param points n x 2, (x, y) in pixels of the crop that was embedded
   */
  decode(embedding: SamEmbedding, points: Float64Array): Promise<SamMasks>;
  close(): Promise<void>;
}
