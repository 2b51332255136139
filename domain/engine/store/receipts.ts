import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { objectOf, RecordKind, TEXT, type FoundRecord } from '../../files/json-record.js';
import { sameStamp, readStamp } from '../../files/file-stamp.js';
import { targetOutside } from './inside.js';
import { insideWork, keyIndexPath, keyProblem, receiptPath, type Place } from './paths.js';
import { RECEIPT, type Receipt, type ReceiptFile } from './receipt-record.js';

/** What happened to an output after its receipt was written. */
export type OutputFault = { path: string; fault: 'missing' | 'changed' };

/** Reads the receipt at a place. A damaged receipt counts as missing; the result is then undefined. */
export async function readReceipt(work: string, place: Place): Promise<Receipt | undefined> {
  const found = await inspectReceipt(work, place);
  return found.state === 'valid' ? found.value : undefined;
}

/** Like {@link readReceipt}, and tells a damaged receipt from a missing one. */
export async function inspectReceipt(work: string, place: Place): Promise<FoundRecord<Receipt>> {
  const path = receiptPath(work, place);
  const target = await targetOutside(work, path);
  return target === undefined
    ? RECEIPT.read(path)
    : { state: 'damaged', found: `a symbolic link to ${target}` };
}

/** Reads the valid receipts of all steps of an item in a stage, by step. */
export async function receiptsOf(
  work: string,
  place: Omit<Place, 'step'>,
): Promise<{ step: string; receipt: Receipt }[]> {
  const folder = dirname(receiptPath(work, { ...place, step: 'any' }));
  const names = await readdir(folder).catch((): string[] => []);
  const found: { step: string; receipt: Receipt }[] = [];
  for (const name of names.filter((candidate) => candidate.endsWith('.json'))) {
    const step = name.slice(0, -'.json'.length);
    const receipt = await readReceipt(work, { ...place, step });
    if (receipt !== undefined) found.push({ step, receipt });
  }
  return found;
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

/** Pointer from a cache key to the place that last produced it. */
const KEY_INDEX = new RecordKind<Place>(objectOf({ stage: TEXT, item: TEXT, step: TEXT }));

export function keyIndexText(place: Place): string {
  return KEY_INDEX.text(place);
}

async function placeOfKey(work: string, key: string): Promise<Place | undefined> {
  const found = await KEY_INDEX.read(keyIndexPath(work, key));
  if (found.state !== 'valid') return undefined;
  const { stage, item, step } = found.value;
  return [stage, item, step].every((name) => keyProblem(name) === undefined) ? found.value : undefined;
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
  return RECEIPT.text(receipt, 1);
}
