import type { JsonObject } from '../../../json.js';
import type { Device, Provider } from '../../../machine/onnx/onnx-session.js';
import type { ResizeFilter } from '../../slides/resize.js';
import type { Weights } from '../../../machine/weights/weights-entry.js';

export type Triple = readonly [number, number, number];

/** What an encoder is: everything that decides its features, so all of it belongs to the cache key. */
export interface EncoderInfo {
  name: string;
  /** Raised when the same weights and pixels give other features. */
  version: number;
  /** `sha256:...` of the weights; null for an encoder that has none; undefined where they are not on this machine. */
  weightsDigest: string | null | undefined;
  /** What the weights are run as, where they are a checkpoint that a person registered. */
  architecture?: JsonObject;
  /** Side in pixels of the square patch that it sees; `target-size` may ask for another. */
  inputSize: number;
  /** How patches are brought to that size. */
  resize: ResizeFilter;
  /** Values divided by 255, minus `mean`, over `std`; red, green, blue. */
  mean: Triple;
  std: Triple;
  /** Length of a feature vector. */
  dim: number;
  license: string;
  /** One sentence: trained on what, and what it must not be taken for. */
  note: string;
}

export interface EncoderOptions {
  /** Default {@link EncoderInfo.inputSize}. */
  size?: number;
  /** Where to compute. `auto`: the fastest that works. A named one that fails is replaced by the CPU, and `why` says so. */
  device?: Device;
  /** CPU threads of one inference. Does not change the features. */
  threads?: number;
}

/** A loaded encoder. Calls of `encode` must not overlap. */
export interface OpenEncoder {
  readonly info: EncoderInfo;
  /** Side of the square patches that `encode` takes. */
  readonly size: number;
  readonly provider: Provider;
  /**
   * @param rgb `count` x `size` x `size` x 3, 8 bits
   * @returns `count` x `dim`, row major; a patch's features do not depend on the rest of the batch
   */
  encode(rgb: Uint8Array, count: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** An entry of the registry. Nothing heavy is loaded before `open`. */
export interface EncoderDefinition {
  readonly info: EncoderInfo;
  /**
   * For an encoder with weights of its own in the manifest, called when they are imported: throws `UnsupportedFormat`, naming the tensor, where the
   * checkpoint does not fit, and writes the ONNX model into their folder.
   */
  prepare?(weights: Weights): Promise<void>;
  /** Makes sure that the weights are on this machine, fetching them where they may be fetched. Throws `WeightsMissing`. */
  bring(log: (line: string) => void): Promise<void>;
  /** Throws `WeightsMissing`, or `InvalidInput` where the weights are not those that `info` names. */
  open(options: EncoderOptions): Promise<OpenEncoder>;
}
