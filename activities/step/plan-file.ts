import { readFile } from 'node:fs/promises';
import { digestOf } from '../../domain/digest.js';
import { SamMilError } from '../../domain/errors.js';
import { PLAN } from '../../domain/engine/language/plan/plan-record.js';
import type { Plan, PlanRef, StagePlan } from '../../domain/engine/language/plan/plan.js';

/** Plans by digest: every page of every stage reads the same few. */
const known = new Map<string, Plan>();
const KEPT = 16;

/**
 * Reads the plan that a run was started with.
 * @throws SamMilError InvalidInput if the file is missing or was changed, UnsupportedFormat if it needs a
 * newer engine
 */
export async function readPlan(ref: PlanRef): Promise<Plan> {
  const cached = known.get(ref.digest);
  if (cached) return cached;
  const text = await readFile(ref.path, 'utf8').catch((cause: unknown) => {
    throw new SamMilError('InvalidInput', 'the plan of the run cannot be read on this worker', {
      file: ref.path,
      next: 'make sure that every worker sees the work folder under the same path',
      cause,
    });
  });
  if (digestOf(text) !== ref.digest) {
    throw new SamMilError('InvalidInput', 'the plan was changed after the run started', {
      file: ref.path,
      expected: ref.digest,
      next: 'start a new run: finished work is kept',
    });
  }
  const plan = PLAN.parse(text);
  if (plan.state !== 'valid') {
    throw new SamMilError('UnsupportedFormat', 'this engine cannot read the plan', {
      file: ref.path,
      found: plan.state === 'damaged' ? plan.found : undefined,
      next: 'run workers of the same release as the client',
    });
  }
  if (known.size >= KEPT) known.clear();
  known.set(ref.digest, plan.value);
  return plan.value;
}

/** @throws SamMilError InvalidInput if the plan has no such stage */
export function stageOf(plan: Plan, name: string): StagePlan {
  const stage = plan.stages.find((candidate) => candidate.name === name);
  if (stage) return stage;
  throw new SamMilError('InvalidInput', `the plan has no stage \`${name}\``, {
    expected: plan.stages.map((candidate) => candidate.name).join(', '),
  });
}

/**
 * Whether the stage's items are cells of a matrix, its own or that of the stage it takes them from. Each cell
 * publishes into a separate folder.
 */
export function hasCells(plan: Plan, stage: StagePlan): boolean {
  const { source } = stage;
  if (source.kind === 'from') return hasCells(plan, stageOf(plan, source.stage));
  return source.kind === 'matrix';
}
