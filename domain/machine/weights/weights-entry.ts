/** One model whose weights a person brings or fetches: an entry of the manifest. */
export interface WeightsEntry {
  /** What people write after `models fetch`, and as `encoder` or `segmenter`. */
  name: string;
  kind: 'encoder' | 'segmenter';
  /** Name that the published file has. */
  file: string;
  url: string;
  /** Of the published file, hexadecimal. */
  sha256: string;
  bytes?: number;
  /** Other published files with the same model, which `models import` takes as readily. */
  alternatives?: readonly AlternativeFile[];
  license: string;
  /** Who published it, and where. */
  source: string;
  /** One sentence: trained on what, and what it must not be taken for. */
  note: string;
}

/** Another file of the same model, such as its safetensors form. */
export interface AlternativeFile {
  file: string;
  url: string;
  sha256: string;
  bytes?: number;
}

/** Weights that lie on this machine, complete: their digest was taken when they were brought. */
export interface Weights {
  name: string;
  /** Absolute path of the checkpoint (.pth, .pt, .bin or .safetensors), unchanged as it was published. */
  path: string;
  /** Folder of their own, where ONNX graphs that point into the checkpoint are written. */
  folder: string;
  /** `sha256:...` of the checkpoint: part of the cache key of everything computed with it. */
  digest: string;
}
