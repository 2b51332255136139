import { join, posix, sep } from 'node:path';
import { SamMilError } from '../../errors.js';

/**
 * The place of a step's work in a work folder. It determines the paths of the receipt, the scratch folders
 * and the log.
 */
export interface Place {
  stage: string;
  item: string;
  step: string;
}

/**
 * Maximum length of an item key, in bytes. Leaves room for extensions and temporary names within the usual
 * limit of 255.
 */
const MAX_KEY_BYTES = 200;

/** Returns why `key` cannot be a file name; undefined if it can. */
export function keyProblem(key: string): string | undefined {
  if (key === '') return 'it is empty';
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return `it is longer than ${MAX_KEY_BYTES} bytes`;
  if (key.startsWith('.')) return 'it starts with a dot';
  if (/[/\\]/.test(key)) return 'it contains a path separator';

  if (/[\u0000-\u001f\u007f]/.test(key)) return 'it contains a control character';
  if (key.trim() !== key) return 'it begins or ends with a space';
  return undefined;
}

/** Folder of a run, with its plan, lock, events, logs, manifests and results. */
export function runFolder(work: string, run: string): string {
  return join(work, '.runs', safe(run));
}

export function planPath(work: string, run: string): string {
  return join(runFolder(work, run), 'plan.json');
}

/** How the run ended. */
export function runRecordPath(work: string, run: string): string {
  return join(runFolder(work, run), 'run.json');
}

/** The last status that a client saw. */
export function seenPath(work: string, run: string): string {
  return join(runFolder(work, run), 'seen.json');
}

export function lockPath(work: string, run: string): string {
  return join(runFolder(work, run), 'pipeline.lock.json');
}

export function eventsFolder(work: string, run: string): string {
  return join(runFolder(work, run), 'events');
}

export function itemLogPath(work: string, run: string, stage: string, item: string): string {
  return join(runFolder(work, run), 'logs', safe(stage), `${safe(item)}.log`);
}

/** Copies of the outputs that a run keeps, under their paths in the work folder; see `run-results.ts`. */
export function runResultsFolder(work: string, run: string): string {
  return join(runFolder(work, run), 'results');
}

/**
 * Folder of one execution of a stage, with its manifest, results and items. Executions never share a folder,
 * so a restarted run finds no leftovers.
 */
export function executionFolder(work: string, run: string, stage: string, execution: string): string {
  return join(runFolder(work, run), 'stages', safe(stage), safe(execution));
}

/** Receipt of the last finished attempt at a place. */
export function receiptPath(work: string, place: Place): string {
  return join(work, '.receipts', safe(place.stage), safe(place.item), `${safe(place.step)}.json`);
}

/** Pointer from a cache key to the place that last produced it. */
export function keyIndexPath(work: string, key: string): string {
  const hex = hexDigits(key);
  return join(work, '.receipts', '.keys', hex.slice(0, 2), `${hex}.json`);
}

/** Folder of the stored digests of input files. */
export function digestCacheFolder(work: string): string {
  return join(work, '.receipts', '.digests');
}

/** Folder with the checkpoints of a cache key, shared by all attempts. */
export function checkpointFolder(work: string, key: string): string {
  return join(work, '.checkpoints', hexDigits(key));
}

/** Parent of the private folders of all leases. */
export function scratchRoot(work: string): string {
  return join(work, '.scratch');
}

/** Private folder of a lease. */
export function leaseFolder(work: string, lease: string): string {
  return join(scratchRoot(work), safe(lease));
}

/**
 * The part of a lease's folder from which its run publishes. Only a client creates it, and no activity knows
 * it: code that recreates its scratch folder after it was removed does not recreate the lease.
 */
export function sealedFolder(work: string, lease: string, ...stage: string[]): string {
  return join(leaseFolder(work, lease), 'sealed', ...stage.map(safe));
}

/** The part of a lease's folder in which its attempts work, or that of one stage. */
export function attemptsFolder(work: string, lease: string, ...stage: string[]): string {
  return join(leaseFolder(work, lease), 'attempts', ...stage.map(safe));
}

/** Identity of the work folder. */
export function identityPath(work: string): string {
  return join(work, '.runs', 'work.json');
}

/** Which run holds the work folder. */
export function holderPath(work: string): string {
  return join(work, '.runs', 'holder.json');
}

/** Path relative to the work folder with `/`, as in receipts and references; undefined if it is outside. */
export function relativeToWork(work: string, path: string): string | undefined {
  const root = work.endsWith(sep) ? work : work + sep;
  return path.startsWith(root) ? path.slice(root.length).split(sep).join('/') : undefined;
}

/**
 * Absolute path of a reference inside the work folder.
 * @throws SamMilError InvalidInput if the path is absolute or leaves the folder
 */
export function insideWork(work: string, relative: string): string {
  const normal = posix.normalize(relative);
  if (relative === '' || posix.isAbsolute(normal) || normal === '..' || normal.startsWith('../')) {
    throw new SamMilError('InvalidInput', 'the path leaves the work folder', {
      file: relative,
      expected: `a path relative to ${work}`,
    });
  }
  return join(work, ...normal.split('/'));
}

function safe(name: string): string {
  const problem = keyProblem(name);
  if (problem === undefined) return name;
  throw new SamMilError('InvalidInput', `\`${name}\` is not a valid file name: ${problem}`, {
    expected: 'a plain name such as `tumor_001`',
  });
}

function hexDigits(key: string): string {
  return key.replace(/^sha256:/, '');
}
