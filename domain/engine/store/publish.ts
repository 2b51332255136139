import { hostname } from 'node:os';
import { copyFile, link, lstat, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, posix, relative, sep } from 'node:path';
import { digestOfFile } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { asWriteError } from '../../files/atomic.js';
import { isFileRef, type JobResult, type OutputFile } from '../../job.js';
import type { Json, JsonObject } from '../../json.js';
import { cacheKey, type Ingredients } from './cache-key.js';
import { syncPath, writeAndSync } from '../../files/durable-file.js';
import { claimPlace, explainLoss, releaseClaim, renameOut, type Claim } from './fence.js';
import { resolveInside } from './inside.js';
import { requireLease, type Lease } from './lease.js';
import { readStamp } from '../../files/file-stamp.js';
import { insideWork, keyIndexPath, receiptPath } from './paths.js';
import type { Made, Receipt, ReceiptFile } from './receipt-record.js';
import { keyIndexText, receiptsOf, receiptText } from './receipts.js';

/**
 * Maximum size of the outputs in bytes, as JSON. They are passed by value and stored in every workflow
 * history. Larger data belongs in files.
 */
export const MAX_OUTPUT_BYTES = 16 * 1024;

/** A finished attempt, ready to be published. */
export interface Finished {
  ingredients: Ingredients;
  /** Folder of the stage or cell, relative to the work folder. */
  folder: string;
  result: JobResult;
  made: Omit<Made, 'host' | 'at'>;
  /** See {@link Receipt}. */
  read?: Record<string, string>;
}

/**
 * Publishes the outputs of an attempt. Each file is flushed and moved to its place, and the folders are
 * flushed; then the receipt is written in the same way. After a kill in between, the files have no receipt
 * and are produced again.
 * @throws SamMilError DiskFull, OutputTooLarge, InvalidInput if another step of the item writes to the same
 *   file, ContractBroken if the result violates the activity's contract; any error if the claim is lost
 */
export async function publish(claim: Claim, finished: Finished): Promise<Receipt> {
  const { work, lease } = claim;
  const { result, folder } = finished;
  // Renames alone cannot publish without the lease, but they would create folders in another work folder.
  await requireLease(work, lease);
  await rejectMissing(result);
  const staged: Staged[] = [];
  for (const { name, file } of listFiles(result)) {
    const from = insideScratch(claim, name, file.from);
    const target = posix.join(folder, ...file.to.split('\\'));
    insideWork(work, target);
    if (!target.startsWith(`${folder}/`))
      throw contractError(name, `\`${file.to}\` leaves the stage's folder`);
    staged.push({ name, from, target });
  }
  rejectDuplicates(staged);
  await rejectSharedFiles(claim, staged, finished.made.run);
  const sealed = await seal(claim, staged);
  const named = sealed.filter(({ name }) => Object.hasOwn(result.files, name));
  const outputs: JsonObject = { ...result.values, ...toReferences(named) };
  // Check before anything is renamed, so that the outputs of an earlier attempt stay intact.
  rejectLarge(outputs);
  const files = await publishFiles(claim, sealed);
  return writeReceipt(claim, {
    receipt: 1,
    key: cacheKey(finished.ingredients),
    ingredients: finished.ingredients,
    folder,
    outputs,
    ...(result.skip === undefined ? {} : { skip: result.skip }),
    files,
    ...(Object.keys(finished.read ?? {}).length > 0 && { read: finished.read }),
    made: { ...finished.made, host: hostname(), at: new Date().toISOString() },
  });
}

/**
 * Links the outputs of `original` into `folder` (hard links, or copies if the file system does not support
 * them) and writes a separate receipt. Returns undefined if an original is missing or has changed.
 */
export async function relink(
  claim: Claim,
  original: Receipt,
  folder: string,
  run: string,
): Promise<Receipt | undefined> {
  const { work } = claim;
  const moved = (path: string) => posix.join(folder, posix.relative(original.folder, path));
  const staged: Staged[] = [];
  for (const [index, path] of Object.keys(original.files).entries()) {
    const from = join(claim.scratch, `link-${index}`);
    if (!(await linkOrCopy(await resolveInside(work, path), from))) return undefined;
    staged.push({ name: path, from, target: moved(path) });
  }
  const sealed = await seal(claim, staged);
  if (sealed.some(({ name, digest }) => digest !== original.files[name].digest)) return undefined;
  const files = await publishFiles(claim, sealed);
  const outputs = mapReferences(original.outputs, moved);
  const made = { ...original.made, run, at: new Date().toISOString() };
  return writeReceipt(claim, { ...original, folder, outputs, files, made });
}

/**
 * Publishes everything below the scratch folder of a claim under the same relative paths in the folder of its
 * stage, without a receipt: stage-level files, which are written again whenever the stage ends.
 */
export async function publishStageFiles(claim: Claim): Promise<void> {
  const { work, lease, place, scratch } = claim;
  await requireLease(work, lease);
  const entries = await readdir(scratch, { recursive: true, withFileTypes: true });
  const staged = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((from) => ({ name: from, from, target: posix.join(place.stage, ...pathIn(scratch, from)) }));
  await publishFiles(claim, await seal(claim, staged));
}

/**
 * Writes a file that belongs to the run as a whole, such as `run.json`: durable like an output, and only
 * while the run holds the work folder.
 */
export async function publishRecord(work: string, lease: Lease, path: string, text: string): Promise<void> {
  const claim = await claimPlace(work, lease, { stage: 'engine', item: 'run', step: basename(path) });
  try {
    const staged = join(claim.sealed, 'record');
    await writeAndSync(staged, text);
    await renameOut(claim, staged, path);
    await syncPath(dirname(path));
  } catch (error) {
    throw await explainLoss(claim, asWriteError(error, path));
  } finally {
    await releaseClaim(claim).catch(() => undefined);
  }
}

function pathIn(folder: string, path: string): string[] {
  return relative(folder, path).split(sep);
}

/**
 * Lists everything that an attempt publishes. A file in `alongside` is named by its path, which cannot be an
 * output name.
 */
function listFiles(result: JobResult): { name: string; file: OutputFile }[] {
  const named = Object.entries(result.files).map(([name, file]) => ({ name, file }));
  return [...named, ...(result.alongside ?? []).map((file) => ({ name: `./${file.to}`, file }))];
}

interface Staged {
  /** Output name, or `./<path>` for a file in `alongside`. */
  name: string;
  /** Absolute path in the private folder. */
  from: string;
  /** Path relative to the work folder. */
  target: string;
}

/** A staged file, flushed to disk and out of reach of the work; `from` is where it is now. */
interface Sealed extends Staged {
  digest: string;
  bytes: number;
}

async function seal(claim: Claim, staged: Staged[]): Promise<Sealed[]> {
  const sealed: Sealed[] = [];
  for (const [index, file] of staged.entries()) {
    const from = join(claim.sealed, `${index}`);
    try {
      await rename(file.from, from);
      await syncPath(from);
    } catch (error) {
      throw asWriteError(error, file.target);
    }
    sealed.push({ ...file, from, digest: await digestOfFile(from), bytes: (await stat(from)).size });
  }
  return sealed;
}

async function publishFiles(claim: Claim, sealed: Sealed[]): Promise<Record<string, ReceiptFile>> {
  const { work } = claim;
  const files: Record<string, ReceiptFile> = {};
  const folders = new Set<string>();
  for (const file of sealed) {
    const path = insideWork(work, file.target);
    await renameOut(claim, file.from, path).catch((error: unknown) => {
      throw asWriteError(error, path);
    });
    folders.add(dirname(path));
    const stamp = await readStamp(path);
    if (!stamp)
      throw new SamMilError('Superseded', 'the output disappeared while it was published', { file: path });
    files[file.target] = { ...stamp, digest: file.digest };
  }
  for (const folder of folders) await syncPath(folder);
  return files;
}

async function writeReceipt(claim: Claim, receipt: Receipt): Promise<Receipt> {
  const { work } = claim;
  const target = receiptPath(work, claim.place);
  const staged = join(claim.sealed, 'receipt');
  await rm(staged, { force: true });
  await writeAndSync(staged, receiptText(receipt)).catch((error: unknown) => {
    throw asWriteError(error, target);
  });
  await renameOut(claim, staged, target).catch((error: unknown) => {
    throw asWriteError(error, target);
  });
  await syncPath(dirname(target));
  const pointer = join(claim.sealed, 'key');
  await writeFile(pointer, keyIndexText(claim.place));
  await renameOut(claim, pointer, keyIndexPath(work, receipt.key));
  return receipt;
}

function toReferences(sealed: Sealed[]): JsonObject {
  const references = sealed.map(({ name, target, digest, bytes }) => [name, { path: target, digest, bytes }]);
  return Object.fromEntries(references) as JsonObject;
}

/** Applies `change` to the path of every file reference. */
function mapReferences(outputs: JsonObject, change: (path: string) => string): JsonObject {
  const entries = Object.entries(outputs).map(([name, value]) => {
    return [name, isFileRef(value) ? { ...value, path: change(value.path) } : value] as const;
  });
  return Object.fromEntries<Json>(entries);
}

async function linkOrCopy(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
  }
  try {
    await copyFile(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw asWriteError(error, to);
  }
}

function insideScratch(claim: Claim, name: string, from: string): string {
  const path = join(claim.scratch, relative(claim.scratch, from));
  if (!path.startsWith(claim.scratch + sep)) throw contractError(name, `\`${from}\` is outside job.scratch`);
  return path;
}

/** Symbolic links are rejected, because their targets are not private to the attempt. */
async function rejectMissing(result: JobResult): Promise<void> {
  for (const { name, file } of listFiles(result)) {
    const found = await lstat(file.from).catch(() => undefined);
    if (!found?.isFile())
      throw contractError(name, `\`${file.from}\` is not a regular file or does not exist`);
  }
}

function rejectDuplicates(staged: Staged[]): void {
  const seen = new Set<string>();
  for (const { name, target } of staged) {
    if (seen.has(target)) throw contractError(name, `\`${target}\` is the target of two outputs`);
    seen.add(target);
  }
}

/** Two steps of an item that write to the same file would overwrite each other in every run. */
async function rejectSharedFiles({ work, place }: Claim, staged: Staged[], run: string): Promise<void> {
  for (const { step, receipt } of await receiptsOf(work, place)) {
    // A receipt of an earlier run may belong to a step that has been renamed since.
    if (step === place.step || receipt.made.run !== run) continue;
    const shared = staged.find(({ target }) => Object.hasOwn(receipt.files, target));
    if (!shared) continue;
    throw new SamMilError('InvalidInput', `steps \`${step}\` and \`${place.step}\` write to the same file`, {
      file: shared.target,
      next: 'move one of them into a separate stage',
    });
  }
}

function rejectLarge(outputs: JsonObject): void {
  const bytes = Buffer.byteLength(JSON.stringify(outputs));
  if (bytes <= MAX_OUTPUT_BYTES) return;
  throw new SamMilError('OutputTooLarge', 'the outputs are too large to be passed by value', {
    expected: `at most ${MAX_OUTPUT_BYTES} bytes as JSON`,
    found: `${bytes} bytes in ${Object.keys(outputs).join(', ')}`,
    next: 'write them to a file and return that as an output',
  });
}

function contractError(output: string, what: string): SamMilError {
  return new SamMilError('ContractBroken', `output \`${output}\` violates the activity's contract: ${what}`);
}
