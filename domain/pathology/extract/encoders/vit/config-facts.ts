import type { ResizeFilter } from '../../../slides/resize.js';

/** Red, green, blue. */
export type Triple = readonly [number, number, number];

/** What a config.json states that the tensors determine too, by the name of {@link VitFacts}. */
export interface Claim {
  /** Name in the file: `model_args.embed_dim`. */
  key: string;
  fact: keyof VitFacts;
  value: number | boolean;
}

/** What the tensors of a vision transformer determine and a config.json repeats. */
export interface VitFacts {
  width: number;
  depth: number;
  patch: number;
  registers: number;
  /** Rows of the first matrix of a perceptron. */
  rows: number;
  hidden: number;
  gated: boolean;
  attentionBias: boolean;
  /** Side in pixels of the images that the stored positions are for. */
  imageSize: number;
  /** Whether the class token has a position. */
  classPosition: boolean;
  channels: number;
}

/** What is read from the config.json of a hub. */
export interface HubConfig {
  path: string;
  claims: readonly Claim[];
  heads?: number;
  epsilon?: number;
  /** As written: `gelu`, `quick_gelu`, `gelu_tanh`. It matters only for a plain perceptron. */
  activation?: { key: string; value: string };
  imageSize?: number;
  /** Number of heads of an architecture that is stated only by its name, if it has the width of its name. */
  headsOfName?: (width: number) => number | undefined;
  mean?: Triple;
  std?: Triple;
  resize?: ResizeFilter;
}
