import type { Provider } from '../../../../machine/onnx/onnx-session.js';

/** Embedding of one image or crop, kept until its points are decoded. */
export interface SamEmbedding {
  /** 1 x channels x side x side. */
  data: Float32Array;
  shape: readonly number[];
  /** Size of the crop in pixels. */
  width: number;
  height: number;
  /** Size of the crop after resizing its longest side to `imageSize`; the rest of the square is padding. */
  scaledWidth: number;
  scaledHeight: number;
}

/** Masks of a batch of points, three per point. */
export interface SamMasks {
  /**
   * points x 3 x side x side before the threshold at 0, for the square with padding, at a quarter of
   * `imageSize`.
   */
  logits: Float32Array;
  side: number;
  /** points x 3: predicted quality of each mask. */
  iou: Float32Array;
}

/**
 * Segment Anything as two networks (Kirillov et al., "Segment Anything", ICCV 2023): an image encoder, run
 * once per crop, and a prompt encoder with mask decoder, run once per batch of points.
 */
export interface SamModel {
  /** Side in pixels of the input square of the image encoder: 1024 in the published models. */
  readonly imageSize: number;
  /**
   * Device of the networks and the reason for its choice. Devices differ in the last bits, so an image is
   * computed on one.
   */
  readonly provider: Provider;
  /**
   * @param rgb height x width x 3, 8 bits, of any size; the longest side is resized to `imageSize` like
   * Pillow's bilinear filter
   */
  embed(rgb: Uint8Array, width: number, height: number): Promise<SamEmbedding>;
  /**
   * Decodes three masks per foreground point.
   * @param points n x 2, (x, y) in pixels of the embedded crop
   */
  decode(embedding: SamEmbedding, points: Float64Array): Promise<SamMasks>;
  close(): Promise<void>;
}
