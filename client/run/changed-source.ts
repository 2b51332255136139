import { readFileSync } from 'node:fs';
import { digestOf } from '../../domain/digest.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';

/**
 * Whether the pipeline file is no longer the one that the plan was made from: a run keeps its plan, so it
 * does not take the change. A file that cannot be read says nothing.
 */
export function hasChangedSource({ source }: Pick<Plan, 'source'>): boolean {
  try {
    return digestOf(readFileSync(source.path, 'utf8')) !== source.digest;
  } catch {
    return false;
  }
}

/** A line about such a run. */
export function changeNotTaken({ source, work }: Plan): string {
  return (
    `${source.path} has changed since this run was started, and the run keeps its plan; ` +
    `\`npx sam-mil run ${source.path} --work ${work}\`, with the --set values of this run, takes the change`
  );
}
