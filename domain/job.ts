import type { ErrorRecord } from './errors.js';
import type { Json, JsonObject } from './json.js';

/**
 * A reference to a file in a work folder, as passed between steps. `path` is relative to `<work>`, with `/`;
 * `digest` is `sha256:<hex>`.
 */
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

/** One line of the file that an {@link ItemsRef} names. */
export interface ItemRecord {
  /**
   * Unique in its stage and valid as a file name: the slide's name, or the key of a matrix cell such as
   * `sam-mil-0-2`.
   */
  key: string;
  /** The item's fields: `path`, `name`, CSV columns, or the matrix values. */
  fields: JsonObject;
  /** `done`: outputs are complete. `skipped`: ended early on purpose (such as `no_tissue`). */
  status: 'done' | 'skipped' | 'failed';
  /** Why the item was skipped, or what failed, as text. Lists of items show it. */
  reason?: string;
  /** What failed, for a failed item. It has no stack, which would make equal results differ between hosts. */
  error?: ErrorRecord;
  /** The `outputs` that the stage declares, or the outputs of its last step. */
  outputs: JsonObject;
}

/**
 * An input file of an implementation: absolute path, digest, and display name (file name without extension).
 */
export interface InputFile {
  path: string;
  digest: string;
  name: string;
}

/**
 * The input of an activity's implementation. The implementation runs in a forked child process (or inline if
 * it is light) and may be killed at any time. It must then be able to resume from `checkpoint` and produce
 * the same bits.
 */
export interface Job<With = JsonObject> {
  /**
   * Validated parameters with defaults filled in and keys in camelCase. File inputs are {@link InputFile}.
   */
  readonly with: With;
  /** Absolute path of the run's work folder. */
  readonly work: string;
  /**
   * Id of the run that this job belongs to. Its record is in `<work>/.runs/<run>/`. Absent if the job runs
   * outside a run, as in tests.
   */
  readonly run?: string;
  /**
   * Name of the item, used for output file names: `patches/<name>.h5`. The name of the stage if the stage has
   * no items.
   */
  readonly name: string;
  /**
   * The hidden inputs in the cache key, such as the weights of an encoder. The implementation must use
   * exactly these. Absent if `run` is absent.
   */
  readonly hidden?: JsonObject;
  /**
   * Private folder of this attempt, on the file system of `work`, initially empty. Write outputs here; the
   * engine publishes them.
   */
  readonly scratch: string;
  /**
   * Folder that persists across attempts and hosts. It belongs to exactly this cache key. Write files under a
   * temporary name, fsync, then rename.
   */
  readonly checkpoint: string;
  /**
   * Aborted on cancellation, worker shutdown, or a lost heartbeat. Save a checkpoint and throw
   * `signal.reason`.
   */
  readonly signal: AbortSignal;
  /** Reports progress to the heartbeat and the live display. Cheap; call it once per batch or epoch. */
  progress(report: Progress): void;
  log(level: 'info' | 'warn', message: string, facts?: JsonObject): void;
}

export interface Progress {
  /** What is being counted: `patches`, `epochs`, `crops`. */
  unit: string;
  done: number;
  /** 0 if it is not known. */
  total: number;
  /** One short line to display: `loss 0.41, val AUC 0.93`. */
  note?: string;
}

/**
 * A finished output file. `from` is in `job.scratch`; `to` is relative to the stage's folder
 * (`patches/CMU-1.h5`).
 */
export interface OutputFile {
  from: string;
  to: string;
}

export interface JobResult {
  /** Files by output name (`patches`, `mask`, `mask-image`). Each becomes a {@link FileRef}. */
  files: Record<string, OutputFile>;
  /**
   * Files that belong to `files` but are too many for references, such as the slides that a table lists. They
   * are published and recorded in the receipt with them.
   */
  alongside?: OutputFile[];
  /** Small values (`count`, `status`, `dim`). */
  values?: Record<string, Json>;
  /**
   * Set if the item ends here on purpose: its later steps are skipped and the reason is shown (`no_tissue`).
   */
  skip?: string;
}

/** The export of an implementation module: `export const run: Run<PatchWith> = async (job) => ...`. */
export type Run<With = JsonObject> = (job: Job<With>) => Promise<JobResult>;
