import type { JsonObject } from '../../../json.js';
import type { Triple } from '../../../machine/onnx/normalize-pixels.js';
import type { Device, Provider } from '../../../machine/onnx/onnx-session.js';
import type { ResizeFilter } from '../../slides/resize.js';
import type { Precision } from './precision.js';
import type { Weights } from '../../../machine/weights/weights-entry.js';

/** The patches that an encoder was trained or evaluated on. */
export interface ExpectedPatches {
  /** µm per pixel, one or several. */
  mpp: readonly number[];
  /** Side in pixels. */
  side: number;
}

/** Identity of an encoder: everything that determines its features and is therefore part of the cache key. */
export interface EncoderInfo {
  name: string;
  /** Increases when the same weights and pixels give different features. */
  version: number;
  /**
   * `sha256:...` of the weights; null for an encoder without weights; undefined if they are missing on this
   * machine.
   */
  weightsDigest: string | null | undefined;
  /** Architecture of the weights, if they are a custom checkpoint. */
  architecture?: JsonObject;
  /** Side in pixels of the square input patch; `target-size` can request another. */
  inputSize: number;
  /** Filter that resizes patches to that size. */
  resize: ResizeFilter;
  /**
   * Side to which patches are resized before the center of `inputSize` is cut out; for another `target-size`,
   * in proportion. Undefined: `inputSize`, nothing is cut off.
   */
  resizeTo?: number;
  /** Values are divided by 255, reduced by `mean` and divided by `std`; red, green, blue. */
  mean: Triple;
  std: Triple;
  /** Length of a feature vector. */
  dim: number;
  /** Precision that its authors recommend on a GPU, for `precision: auto`. Default: fp32. */
  precision?: Precision;
  /** Patches that it was trained or evaluated on. Others get a warning. */
  expects?: ExpectedPatches;
  license: string;
  /** One sentence about its training data and its limits. */
  note: string;
}

export interface EncoderOptions {
  /** Default {@link EncoderInfo.inputSize}. */
  size?: number;
  /**
   * Device to compute on. `auto`: the fastest that works. If a specified device fails, the CPU replaces it
   * and `why` states the reason.
   */
  device?: Device;
  /** CPU threads per inference. They do not change the features. */
  threads?: number;
  /** Default: fp32. Others require {@link EncoderDefinition.halfPrecision}. */
  precision?: Precision;
}

/** A loaded encoder. Calls of `encode` must not overlap. */
export interface OpenEncoder {
  readonly info: EncoderInfo;
  /** Side of the square patches that `encode` takes. */
  readonly size: number;
  readonly provider: Provider;
  /**
   * @param rgb `count` x `size` x `size` x 3, 8 bits
   * @returns `count` x `dim`, row-major; the features of a patch do not depend on the other patches of the
   * batch
   */
  encode(rgb: Uint8Array, count: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** A registry entry. Nothing large is loaded before `open`. */
export interface EncoderDefinition {
  readonly info: EncoderInfo;
  /** Whether `open` accepts fp16 and bf16. */
  readonly halfPrecision?: true;
  /**
   * Called when weights of the manifest are imported: checks the checkpoint and writes the ONNX model into
   * its folder.
   * @throws SamMilError UnsupportedFormat naming the tensor that does not fit
   */
  prepare?(weights: Weights): Promise<void>;
  /**
   * Ensures that the weights are on this machine and downloads them if permitted.
   * @throws SamMilError WeightsMissing
   */
  bring(log: (line: string) => void): Promise<void>;
  /** @throws SamMilError WeightsMissing; InvalidInput if the weights are not those in `info` */
  open(options: EncoderOptions): Promise<OpenEncoder>;
}

/** Side to which patches are resized before an input of `size` is cut out of them. */
export function resizedSide({ inputSize, resizeTo = inputSize }: EncoderInfo, size: number): number {
  return Math.floor((size * resizeTo) / inputSize);
}
