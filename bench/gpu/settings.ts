/** What the processes of the benchmark are told, as one JSON argument. The Python side reads the same. */
export interface EncodeTask {
  network: string;
  weights: string;
  precision: 'fp32' | 'fp16';
  device: 'cuda' | 'cpu';
  /** File of `patches` x 224 x 224 x 3 random bytes. */
  pixels: string;
  patches: number;
  batch: number;
  /** Repeats for this long, at least twice. */
  seconds: number;
  /** Receives the features of the first batch, float32; the Python side writes one more per mode. */
  features: string;
  /** Of the Python side only: `eager` or `compiled`. */
  modes?: string[];
}

export interface SegmentTask {
  weights: string;
  device: 'cuda' | 'cpu';
  pixels: string;
  imageSize: number;
  /** Attention heads of the mask decoder. */
  decoderHeads: number;
  /** Points on the image, decoded 64 at a time. */
  points: number;
  seconds: number;
  /** Receives the logits of the first points. */
  features: string;
}

export const SIDE = 224;
