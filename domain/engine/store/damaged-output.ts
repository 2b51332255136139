import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { digestOf } from '../../digest.js';
import { SamMilError, type ErrorFacts } from '../../errors.js';
import { diskAway } from '../../files/disk-away.js';
import { withFileBytes } from '../../files/file-bytes.js';
import type { FileRef } from '../../job.js';
import { resolveInside } from './inside.js';

const WHAT = {
  missing: 'the file was deleted after the step that made it ended',
  changed: 'the file was changed after the step that made it ended',
};

/** The error for an output of an earlier step, or a list of items, that is no longer as it was written. */
export function damagedOutput(
  file: string,
  fault: keyof typeof WHAT,
  facts: Omit<ErrorFacts, 'file'> & { cause?: unknown } = {},
): SamMilError {
  const next = 'resume the run: the step that makes it will run again';
  return new SamMilError('OutputDamaged', WHAT[fault], { file, next, ...facts });
}

/**
 * Reads the text of a file of the run, such as a list of items, that must be as its reference states.
 * @throws SamMilError OutputDamaged if it is missing or was changed, Unavailable if its disk does not answer;
 * as {@link resolveInside}
 */
export async function readReferencedText(work: string, { path, digest }: FileRef): Promise<string> {
  const text = await readFile(await resolveInside(work, path), 'utf8').catch((cause: unknown) => {
    throw diskAway(cause, path) ?? damagedOutput(path, 'missing', { cause });
  });
  if (digestOf(text) !== digest) throw damagedOutput(path, 'changed', { expected: digest });
  return text;
}

/** Digests by path and stamp, because a bag that does not fit in memory is read again each epoch. */
const known = new Map<string, { stamp: string; digest: string }>();

/**
 * Refuses an output of an earlier step whose content is not what its reference states. A file is read again
 * only if its stamp differs.
 * @throws SamMilError OutputDamaged
 */
export function requireContent(path: string, expected: string): void {
  if (!existsSync(path)) throw damagedOutput(path, 'missing');
  const found = withFileBytes(path, (file) => {
    const kept = known.get(path);
    if (kept?.stamp === file.stamp) return kept.digest;
    const digest = file.digest();
    known.set(path, { stamp: file.stamp, digest });
    return digest;
  });
  if (found !== expected) throw damagedOutput(path, 'changed', { expected, found });
}
