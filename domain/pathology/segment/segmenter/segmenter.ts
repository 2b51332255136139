import type { JsonObject } from '../../../json.js';
import type { Device } from '../../../machine/onnx/onnx-session.js';
import type { Weights } from '../../../machine/weights/weights-entry.js';
import type { SegmentMask } from '../../layouts/segments-file.js';
import type { SegmentParameters } from './segmenter-parameters.js';

/**
 * Identity of a segmenter: everything except the parameters that determines its masks and is therefore part
 * of the cache key.
 */
export interface SegmenterInfo {
  name: string;
  /** Increases when the same image and parameters give different masks. */
  version: number;
  /**
   * `sha256:...` of the weights; null for a segmenter without weights; undefined if they are missing on this
   * machine.
   */
  weightsDigest: string | null | undefined;
  /** Further facts that determine the masks of a custom segmenter. */
  network?: JsonObject;
  license: string;
  /** One sentence about what it is and its limits. */
  note: string;
}

export interface ImageToSegment {
  /** height x width x 3. */
  rgb: Uint8Array;
  width: number;
  height: number;
}

/** The part of its job that a segmenter receives. */
export interface SegmentContext {
  signal: AbortSignal;
  /** Folder that survives a kill. Finished crops are stored here and not computed again. */
  checkpoint: string;
  /** Device and number of CPU threads, for segmenters with a network. */
  device?: Device;
  threads?: number;
  /**
   * Called once per crop, and with a note on its progress once per batch of points, because a crop takes
   * minutes for a large model on a CPU.
   */
  progress(done: number, total: number, note?: string): void;
  log(line: string): void;
}

/** A registry entry. Nothing large is loaded before `segment`. */
export interface SegmenterDefinition {
  readonly info: SegmenterInfo;
  /** Ensures that the weights are on this machine. @throws SamMilError WeightsMissing */
  bring(log: (line: string) => void): Promise<void>;
  /**
   * Checks an imported checkpoint and writes the ONNX graphs that refer to it into its folder. Absent for
   * segmenters without weights.
   * @throws SamMilError UnsupportedFormat if the checkpoint does not belong to this segmenter
   */
  prepare?(weights: Weights): Promise<void>;
  /**
   * Segments an image. Masks may overlap and nest. The same image and parameters give the same masks in the
   * same order.
   */
  segment(
    image: ImageToSegment,
    parameters: SegmentParameters,
    context: SegmentContext,
  ): Promise<SegmentMask[]>;
}
