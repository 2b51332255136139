import { readFile } from 'node:fs/promises';
import type { JsonObject } from '../../json.js';
import type { Ingredients } from './cache-key.js';
import { sameStamp, readStamp, type FileStamp } from '../../files/file-stamp.js';
import { requireInside, targetOutside } from './inside.js';
import { insideWork, keyIndexPath, receiptPath, type Place } from './paths.js';

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

/** Information for display and for `--force`. It is not part of the key. */
export interface Made {
  run: string;
  attempt: number;
  host: string;
  /** Duration of the work in seconds. A linked output keeps the duration of the original. */
  seconds: number;
  /** ISO 8601. */
  at: string;
}

/** What happened to an output after its receipt was written. */
export type OutputFault = { path: string; fault: 'missing' | 'changed' };

/** Reads the receipt at a place. An unreadable receipt counts as missing; the result is then undefined. */
export async function readReceipt(work: string, place: Place): Promise<Receipt | undefined> {
  return parseReceipt(work, receiptPath(work, place));
}

async function parseReceipt(work: string, path: string): Promise<Receipt | undefined> {
  try {
    await requireInside(work, path);
    const found = JSON.parse(await readFile(path, 'utf8')) as Receipt;
    return found.receipt === 1 && typeof found.key === 'string' && found.files ? found : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Finds the last receipt with `key` at any place, if its outputs are still valid. This is how a renamed stage
 * finds its outputs.
 */
export async function findReceipt(
  work: string,
  key: string,
  digest: ReadDigest,
): Promise<Receipt | undefined> {
  const place = await placeOfKey(work, key);
  const receipt = place && (await readReceipt(work, place));
  if (!place || receipt?.key !== key) return undefined;
  const { fault } = await checkOutputs(work, receipt, digest);
  return fault ? undefined : receipt;
}

async function placeOfKey(work: string, key: string): Promise<Place | undefined> {
  try {
    return JSON.parse(await readFile(keyIndexPath(work, key), 'utf8')) as Place;
  } catch {
    return undefined;
  }
}

/** Returns the digest of a file, which is read only if it is not known; see DigestCache. */
export type ReadDigest = (path: string) => Promise<string>;

/**
 * The current state of the outputs. `fault` is the first output that is missing or differs from the receipt.
 */
export interface OutputCheck {
  fault?: OutputFault;
  files: Record<string, ReceiptFile>;
}

/**
 * Compares the outputs of a receipt with the files on disk. Content is read only if a stamp differs, as in a
 * copied work folder. The receipt is not changed: a slow check must not replace a newer one. An output that
 * became a symbolic link out of the work folder counts as changed.
 */
export async function checkOutputs(work: string, receipt: Receipt, digest: ReadDigest): Promise<OutputCheck> {
  const files: Record<string, ReceiptFile> = {};
  for (const [path, expected] of Object.entries(receipt.files)) {
    const absolute = insideWork(work, path);
    if ((await targetOutside(work, absolute)) !== undefined)
      return { fault: { path, fault: 'changed' }, files };
    const found = await readStamp(absolute);
    if (!found) return { fault: { path, fault: 'missing' }, files };
    if (!sameStamp(found, expected)) {
      const same = found.bytes === expected.bytes && (await digest(absolute)) === expected.digest;
      if (!same) return { fault: { path, fault: 'changed' }, files };
    }
    files[path] = { ...found, digest: expected.digest };
  }
  return { files };
}

export function receiptText(receipt: Receipt): string {
  return `${JSON.stringify(receipt, null, 1)}\n`;
}
