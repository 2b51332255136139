import { join, posix, sep } from 'node:path';
import { SamMilError } from '../../errors.js';

/** Where a step's work stands in a work folder; names its receipt, its scratch folders and its log. */
export interface Place {
  stage: string;
  item: string;
  step: string;
}

/** Longest item key, in bytes: leaves room for extensions and temporary names within the usual 255. */
const LONGEST_KEY = 200;

/** Why `key` cannot be a file name, or undefined where it can. */
export function keyProblem(key: string): string | undefined {
  if (key === '') return 'it is empty';
  if (Buffer.byteLength(key) > LONGEST_KEY) return `it is longer than ${LONGEST_KEY} bytes`;
  if (key.startsWith('.')) return 'it starts with a dot';
  if (/[/\\]/.test(key)) return 'it holds a path separator';

  if (/[\u0000-\u001f\u007f]/.test(key)) return 'it holds a control character';
  if (key.trim() !== key) return 'it begins or ends with a space';
  return undefined;
}

/** Path of a run's own folder: plan, lock, events, logs, manifests, results. */
export function runFolder(work: string, run: string): string {
  return join(work, '.runs', safe(run));
}

export function planPath(work: string, run: string): string {
  return join(runFolder(work, run), 'plan.json');
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

/** Folder of one execution of a stage: its manifest, results and items. Executions never share one, so a restarted run meets no leftovers. */
export function executionFolder(work: string, run: string, stage: string, execution: string): string {
  return join(runFolder(work, run), 'stages', safe(stage), safe(execution));
}

/** Receipt of the last finished work at a place. */
export function receiptPath(work: string, place: Place): string {
  return join(work, '.receipts', safe(place.stage), safe(place.item), `${safe(place.step)}.json`);
}

/** Pointer from a cache key to the place that last made it. */
export function keyIndexPath(work: string, key: string): string {
  const hex = hexOf(key);
  return join(work, '.receipts', '.keys', hex.slice(0, 2), `${hex}.json`);
}

/** Remembered digest of an input file outside the work folder. */
export function digestCacheFolder(work: string): string {
  return join(work, '.receipts', '.digests');
}

/** Where all attempts at a cache key keep what they resume from. */
export function checkpointFolder(work: string, key: string): string {
  return join(work, '.checkpoints', hexOf(key));
}

/** Parent of the private folders of all attempts at work of a stage. */
export function scratchFolder(work: string, stage: string): string {
  return join(work, '.scratch', safe(stage));
}

/** Relative path with `/`, as receipts and references hold it. */
export function relativeToWork(work: string, path: string): string | undefined {
  const root = work.endsWith(sep) ? work : work + sep;
  return path.startsWith(root) ? path.slice(root.length).split(sep).join('/') : undefined;
}

/**
 * Absolute path of a reference inside the work folder.
 * @throws SamMilError InvalidInput for an absolute path or one that leaves the folder
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
  throw new SamMilError('InvalidInput', `\`${name}\` cannot name a file: ${problem}`, {
    expected: 'a plain name such as `tumor_001`',
  });
}

function hexOf(key: string): string {
  return key.replace(/^sha256:/, '');
}
