import type { ErrorRecord } from './errors.js';
import type { Json, JsonObject } from './json.js';

/** A file inside a work folder, as steps pass it on. `path` is relative to `<work>`, with `/`; `digest` is `sha256:<hex>`. */
export interface FileRef {
  path: string;
  digest: string;
  bytes: number;
}

export function isFileRef(value: unknown): value is FileRef & JsonObject {
  if (typeof value !== 'object' || value === null) return false;
  const { path, digest, bytes } = value as Partial<FileRef>;
  return typeof path === 'string' && typeof digest === 'string' && typeof bytes === 'number';
}

/** The finished items of a stage: a JSON-lines file of {@link ItemRecord}, sorted by key. */
export interface ItemsRef {
  items: FileRef;
  count: number;
}

export function isItemsRef(value: unknown): value is ItemsRef & JsonObject {
  if (typeof value !== 'object' || value === null) return false;
  const { items, count } = value as Partial<ItemsRef>;
  return isFileRef(items) && typeof count === 'number';
}

/** One line of an {@link ItemsRef} file. */
export interface ItemRecord {
  /** Unique in its stage and safe as a file name: the slide's name, or the matrix cell such as `sam-mil-0-2`. */
  key: string;
  /** The item's fields: `path`, `name`, CSV columns, or the matrix values. */
  fields: JsonObject;
  /** `done`: outputs are complete. `skipped`: ended early on purpose (such as `no_tissue`). */
  status: 'done' | 'skipped' | 'failed';
  /** Why it was skipped, or what failed, as text for people: lists of items show it. */
  reason?: string;
  /** Of a failed item: what failed. Without the stack, which would make equal results differ between hosts. */
  error?: ErrorRecord;
  /** The stage's `outputs`, or the outputs of its last step where it declares none. */
  outputs: JsonObject;
}

/** A file handed to an implementation: absolute path, digest, and the name a person knows it by (file name without extension). */
export interface InputFile {
  path: string;
  digest: string;
  name: string;
}

/**
 * What an activity's implementation gets. It runs in a forked child (or inline for light ones), may be killed at any moment, and must then
 * be able to go on from `checkpoint` and end with the same bits.
 */
export interface Job<With = JsonObject> {
  /** Validated parameters, defaults filled in, keys in camelCase; members declared as file inputs are {@link InputFile}. */
  readonly with: With;
  /** Absolute path of the run's work folder. */
  readonly work: string;
  /** Id of the run this job belongs to: its record lies in `<work>/.runs/<run>/`. Absent where a job is run by itself, as in tests. */
  readonly run?: string;
  /** The item's name, used for output file names: `patches/<name>.h5`. For a stage without items, the stage's name. */
  readonly name: string;
  /** The hidden inputs that entered the cache key (an encoder's weights): what is used must be these. Absent as `run` is. */
  readonly hidden?: JsonObject;
  /** Private to this attempt, on the file system of `work`, empty at the start. Outputs are written here; the engine publishes them. */
  readonly scratch: string;
  /** Survives attempts and hosts; belongs to exactly this cache key. Write into it with temporary name, fsync, rename. */
  readonly checkpoint: string;
  /** Aborted on cancellation, worker shutdown, or a lost heartbeat. Save a checkpoint and throw `signal.reason`. */
  readonly signal: AbortSignal;
  /** Reports how far the work is: reaches the heartbeat and the live display. Cheap; call it once a batch or epoch. */
  progress(report: Progress): void;
  log(level: 'info' | 'warn', message: string, facts?: JsonObject): void;
}

export interface Progress {
  /** What is being counted: `patches`, `epochs`, `crops`. */
  unit: string;
  done: number;
  total: number;
  /** One short line for people: `loss 0.41, val AUC 0.93`. */
  note?: string;
}

/** A finished output file: `from` lies in `job.scratch`, `to` is relative to the stage's folder (`patches/CMU-1.h5`). */
export interface OutputFile {
  from: string;
  to: string;
}

export interface JobResult {
  /** By output name (`patches`, `mask`, `mask-image`): becomes a {@link FileRef}. */
  files: Record<string, OutputFile>;
  /** Files that belong to the others but are too many to be references (the slides that a table lists): published and receipted with them. */
  alongside?: OutputFile[];
  /** Small values (`count`, `status`, `dim`). */
  values?: Record<string, Json>;
  /** Set when the item ends here on purpose: later steps of the item are skipped and the reason is shown (`no_tissue`). */
  skip?: string;
}

/** The shape of an implementation module: `export const run: Run<PatchWith> = async (job) => ...`. */
export type Run<With = JsonObject> = (job: Job<With>) => Promise<JobResult>;
