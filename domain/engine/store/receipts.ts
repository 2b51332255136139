import { readFile } from 'node:fs/promises';
import type { JsonObject } from '../../json.js';
import { digestOfFile } from '../../digest.js';
import type { Ingredients } from './cache-key.js';
import { writeDurably } from '../../files/durable-file.js';
import { sameStamp, stampOf, type FileStamp } from '../../files/file-stamp.js';
import { insideWork, keyIndexPath, receiptPath, type Place } from './paths.js';

/**
 * Proof that a step's outputs are complete, written after them. It lies by place (stage, item, step) and holds every ingredient of its cache key,
 * so that a changed one can be named. All paths are relative to the work folder, which may move.
 */
export interface Receipt {
  receipt: 1;
  key: string;
  ingredients: Ingredients;
  /** Folder of the stage or cell the files were published under, relative to the work folder. */
  folder: string;
  outputs: JsonObject;
  skip?: string;
  /** By path relative to the work folder. */
  files: Record<string, ReceiptFile>;
  /** Digests of the files outside the work folder that were read, by absolute path: what is made of these outputs must read the same. */
  read?: Record<string, string>;
  made: Made;
}

export interface ReceiptFile extends FileStamp {
  digest: string;
}

/** For people and for `--force`; no part of the key. */
export interface Made {
  run: string;
  attempt: number;
  host: string;
  /** Seconds the work took, where it was done: a linked output keeps the original's. */
  seconds: number;
  /** ISO 8601. */
  at: string;
}

/** What became of an output since its receipt was written. */
export type OutputFault = { path: string; fault: 'missing' | 'changed' };

/** The receipt at a place; undefined where there is none or it cannot be read as one, which counts as none. */
export async function readReceipt(work: string, place: Place): Promise<Receipt | undefined> {
  return parseReceipt(receiptPath(work, place));
}

async function parseReceipt(path: string): Promise<Receipt | undefined> {
  try {
    const found = JSON.parse(await readFile(path, 'utf8')) as Receipt;
    return found.receipt === 1 && typeof found.key === 'string' && found.files ? found : undefined;
  } catch {
    return undefined;
  }
}

/** The receipt that last carried `key`, wherever it stands now, if its outputs stand too: how a renamed stage finds them. */
export async function findReceipt(work: string, key: string): Promise<Receipt | undefined> {
  const place = await placeOfKey(work, key);
  const receipt = place && (await readReceipt(work, place));
  if (!place || receipt?.key !== key) return undefined;
  const { fault } = await checkOutputs(work, place, receipt);
  return fault ? undefined : receipt;
}

async function placeOfKey(work: string, key: string): Promise<Place | undefined> {
  try {
    return JSON.parse(await readFile(keyIndexPath(work, key), 'utf8')) as Place;
  } catch {
    return undefined;
  }
}

/** Outputs as they are now; `fault` is the first that is missing or no longer has the receipt's bytes. */
export interface OutputCheck {
  fault?: OutputFault;
  files: Record<string, ReceiptFile>;
}

/**
 * Compares a receipt's outputs with what is there. Content is read only where a stamp differs; where it proves unchanged (a copied work folder), the
 * receipt gets the new stamps.
 */
export async function checkOutputs(work: string, place: Place, receipt: Receipt): Promise<OutputCheck> {
  const files: Record<string, ReceiptFile> = {};
  let renewed = false;
  for (const [path, expected] of Object.entries(receipt.files)) {
    const absolute = insideWork(work, path);
    const found = await stampOf(absolute);
    if (!found) return { fault: { path, fault: 'missing' }, files };
    if (!sameStamp(found, expected)) {
      const same = found.bytes === expected.bytes && (await digestOfFile(absolute)) === expected.digest;
      if (!same) return { fault: { path, fault: 'changed' }, files };
      renewed = true;
    }
    files[path] = { ...found, digest: expected.digest };
  }
  if (renewed) await writeDurably(receiptPath(work, place), receiptText({ ...receipt, files }));
  return { files };
}

export function receiptText(receipt: Receipt): string {
  return `${JSON.stringify(receipt, null, 1)}\n`;
}
