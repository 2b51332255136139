import type { SegmentMask } from '../formats/segments-file.js';

/** What a segmenter is: everything beside the parameters that decides its masks, so all of it belongs to the cache key. */
export interface SegmenterInfo {
  name: string;
  /** Raised when the same image and parameters give other masks. */
  version: number;
  /** `sha256:...` of the weights; null for a segmenter that has none. */
  weightsDigest: string | null;
  licence: string;
  /** One sentence: what it is, and what it must not be taken for. */
  note: string;
}

/** Parameters of `pathology.segment` with SAM's names; a segmenter uses those that mean something to it. */
export interface SegmentParameters {
  pointsPerSide: number;
  pointsPerBatch: number;
  predIouThresh: number;
  stabilityScoreThresh: number;
  stabilityScoreOffset: number;
  cropNLayers: number;
  cropNPointsDownscaleFactor: number;
  cropOverlapRatio: number;
  boxNmsThresh: number;
  cropNmsThresh: number;
  /** In pixels of the SAM image. */
  minMaskRegionArea: number;
  /** `watershed` only: how many regions each level of its hierarchy has, at most. */
  regions: readonly number[];
}

export interface ImageToSegment {
  /** height x width x 3. */
  rgb: Uint8Array;
  width: number;
  height: number;
}

/** What a segmenter gets of its job. */
export interface SegmentContext {
  signal: AbortSignal;
  /** Folder that survives a kill: finished crops are kept here and not computed again. */
  checkpoint: string;
  /** Call once a crop. */
  progress(done: number, total: number): void;
  log(line: string): void;
}

/** An entry of the registry. Nothing heavy is loaded before `segment`. */
export interface SegmenterDefinition {
  readonly info: SegmenterInfo;
  /** Makes sure that the weights are on this machine. Throws `WeightsMissing`. */
  bring(log: (line: string) => void): Promise<void>;
  /** Masks may overlap and nest. The same image and parameters give the same masks in the same order. */
  segment(
    image: ImageToSegment,
    parameters: SegmentParameters,
    context: SegmentContext,
  ): Promise<SegmentMask[]>;
}
