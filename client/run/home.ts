import { stat } from 'node:fs/promises';
import { PLAN } from '../../domain/engine/language/plan/plan-record.js';
import { readHolder } from '../../domain/engine/store/lease.js';
import { planPath } from '../../domain/engine/store/paths.js';
import { SamMilError } from '../../domain/errors.js';
import type { RunEntry } from './run-index.js';

type Place = Pick<RunEntry, 'work' | 'run'>;

/**
 * The work folder that a run uses, if its record was found in a copy of that folder (`cp -a work copy`). A
 * folder that was moved is no copy: nothing is left at the path that the plan names.
 */
export async function homeOfCopied({ work, run }: Place): Promise<string | undefined> {
  const plan = PLAN.readNow(planPath(work, run));
  const home = plan.state === 'valid' ? plan.value.work : undefined;
  if (home === undefined || (await isSameFolder(home, work))) return undefined;
  return (await readHolder(home))?.run === run ? home : undefined;
}

/** @throws SamMilError InvalidInput for an open run that was found in a copy of its work folder */
export async function refuseCopied(entry: RunEntry): Promise<void> {
  const home = await homeOfCopied(entry);
  if (home === undefined) return;
  const { run, work, source } = entry;
  throw new SamMilError(
    'InvalidInput',
    `run ${run} is open in another work folder, of which this is a copy`,
    {
      file: work,
      found: `the run uses ${home}`,
      next: `start a run of the copy with \`npx sam-mil run ${source} --work ${work}\`, or leave out --work to mean the run in ${home}`,
    },
  );
}

/** Two paths may lead to one folder. */
export async function isSameFolder(one: string, other: string): Promise<boolean> {
  if (one === other) return true;
  const [a, b] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
