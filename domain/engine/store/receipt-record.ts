import { DIGEST, mapOf, objectOf, RecordKind, TEXT } from '../../files/json-record.js';
import type { FileStamp } from '../../files/file-stamp.js';
import type { JsonObject } from '../../json.js';
import type { GpuUse } from '../../machine/gpu/gpu.js';
import type { Ingredients } from './cache-key.js';

/**
 * Proof that the outputs of a step are complete, written after them. It is stored by place (stage, item,
 * step) and contains every ingredient of its cache key, so that a changed ingredient can be named. All paths
 * are relative to the work folder, which may be moved.
 */
export interface Receipt {
  receipt: 1;
  key: string;
  ingredients: Ingredients;
  /** Folder of the stage or cell the files were published under, relative to the work folder. */
  folder: string;
  outputs: JsonObject;
  skip?: string;
  /** Output files, by path relative to the work folder. */
  files: Record<string, ReceiptFile>;
  /**
   * Digests of the files outside the work folder that were read, by absolute path. Later steps that use these
   * outputs must read the same content.
   */
  read?: Record<string, string>;
  made: Made;
}

export interface ReceiptFile extends FileStamp {
  digest: string;
}

/** What a step used. What was not measured is absent. */
export interface StepUse {
  /** Largest resident memory of the child process in bytes. Absent if the step ran in the worker. */
  memory?: number;
  /** Devices that the step computed on. Absent if it ran in the worker. */
  devices?: string[];
  /** Processor time in seconds, with that of programs it ran. Absent if the step ran in the worker. */
  cpu?: number;
  /** The GPU that the step was assigned. */
  gpu?: GpuUse;
  /** From the first to the last report of progress in patches. */
  patchesPerSecond?: number;
  /** Seconds that its last attempt waited for a slot of a worker. */
  waited?: number;
}

/** Information for display and for `--force`. It is not part of the key. */
export interface Made extends StepUse {
  run: string;
  attempt: number;
  host: string;
  /** Duration of the work in seconds. A linked output keeps the duration of the original. */
  seconds: number;
  /** ISO 8601. */
  at: string;
  /** Warnings that the step logged. */
  warnings?: string[];
}

const WHOLE = { type: 'integer', minimum: 0 };
const TEXTS = { type: 'array', items: TEXT };
const AMOUNT = { type: 'number', minimum: 0 };
const NANOSECONDS = { type: 'string', pattern: '^-?[0-9]+$' };
/** A path below the work folder, which it does not leave. */
const INSIDE = { type: 'string', pattern: '^(?!/)(?!.*(^|/)\\.\\.(/|$)).+$' };

/** Fields of {@link StepUse}. */
export const USE = {
  memory: WHOLE,
  devices: TEXTS,
  cpu: AMOUNT,
  gpu: objectOf(
    { index: TEXT, name: TEXT },
    { uuid: TEXT, memory: WHOLE, inUse: WHOLE, utilization: AMOUNT },
  ),
  patchesPerSecond: AMOUNT,
  waited: AMOUNT,
};

export const STAMP = objectOf({
  bytes: WHOLE,
  mtimeNs: NANOSECONDS,
  ctimeNs: NANOSECONDS,
  inode: NANOSECONDS,
});

const INGREDIENTS = objectOf(
  {
    activity: TEXT,
    version: { type: 'integer' },
    name: TEXT,
    with: { type: 'object' },
    inputs: mapOf(objectOf({ digest: DIGEST, name: TEXT }, { parts: mapOf(TEXT) })),
    hidden: { type: 'object' },
  },
  { code: mapOf(TEXT) },
);

export const RECEIPT = new RecordKind<Receipt>(
  objectOf(
    {
      receipt: { const: 1 },
      key: DIGEST,
      ingredients: INGREDIENTS,
      folder: INSIDE,
      outputs: { type: 'object' },
      files: {
        ...mapOf({ allOf: [STAMP, objectOf({ digest: DIGEST })] }),
        propertyNames: INSIDE,
      },
      made: objectOf(
        {
          run: TEXT,
          attempt: { type: 'integer' },
          host: TEXT,
          seconds: { type: 'number' },
          at: TEXT,
        },
        { ...USE, warnings: TEXTS },
      ),
    },
    { skip: TEXT, read: mapOf(DIGEST) },
  ),
);
