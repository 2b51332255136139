import type { JsonObject } from '../../../json.js';
import type { Device } from '../../../machine/onnx/onnx-session.js';
import type { Weights } from '../../../machine/weights/weights-entry.js';
import type { SegmentMask } from '../../layouts/segments-file.js';
import type { SegmentParameters } from './segmenter-parameters.js';

/** What a segmenter is: everything beside the parameters that decides its masks, so all of it belongs to the cache key. */
export interface SegmenterInfo {
  name: string;
  /** Raised when the same image and parameters give other masks. */
  version: number;
  /** `sha256:...` of the weights; null for a segmenter that has none, undefined while they are not on this machine. */
  weightsDigest: string | null | undefined;
  /** What else decides the masks of a segmenter that a person's file describes. */
  network?: JsonObject;
  license: string;
  /** One sentence: what it is, and what it must not be taken for. */
  note: string;
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
  /** Where to compute, and with how many CPU threads; for segmenters that have a network. */
  device?: Device;
  threads?: number;
  /** Call once a crop, and with a note on how far that is once a batch of points: a crop takes minutes where a large model runs on a CPU. */
  progress(done: number, total: number, note?: string): void;
  log(line: string): void;
}

/** An entry of the registry. Nothing heavy is loaded before `segment`. */
export interface SegmenterDefinition {
  readonly info: SegmenterInfo;
  /** Makes sure that the weights are on this machine. Throws `WeightsMissing`. */
  bring(log: (line: string) => void): Promise<void>;
  /**
   * Writes what `segment` needs beside a checkpoint that was just brought (ONNX graphs that point into it). Throws `UnsupportedFormat` where the
   * checkpoint is none of this segmenter. Absent where there are no weights.
   */
  prepare?(weights: Weights): Promise<void>;
  /** Masks may overlap and nest. The same image and parameters give the same masks in the same order. */
  segment(
    image: ImageToSegment,
    parameters: SegmentParameters,
    context: SegmentContext,
  ): Promise<SegmentMask[]>;
}
