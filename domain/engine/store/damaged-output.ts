import { existsSync } from 'node:fs';
import { SamMilError, type ErrorFacts } from '../../errors.js';
import { withFileBytes } from '../../files/file-bytes.js';

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
