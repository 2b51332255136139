import { SamMilError } from '../../domain/errors.js';
import type { RunScope } from '../../domain/engine/item/step-input.js';
import type { Plan, StepPlan } from '../../domain/engine/language/plan/plan.js';
import { requireLease } from '../../domain/engine/store/lease.js';
import { couldBecome } from '../../domain/engine/language/expressions/template.js';
import type { JsonObject } from '../../domain/json.js';
import type { EngineContext } from './engine-context.js';
import { readPlan } from './plan-file.js';

/**
 * Opens the scope of a run for one activity: the worker serves its work folder, the folder is the one that
 * the run was started in, the run still holds it, and its plan is unchanged.
 * @throws SamMilError Refused, WorkFolderLost, WorkFolderReplaced, TakenOver, or as {@link readPlan}
 */
export async function requireScope({ served }: EngineContext, scope: RunScope): Promise<Plan> {
  await served.require(scope);
  await requireLease(scope.work, scope.lease);
  return readPlan(scope.plan);
}

/**
 * Returns why an activity failed: that the run has lost its work folder, which any file error may mean, or
 * else the error itself.
 */
export async function explainScope({ work, lease }: RunScope, error: unknown): Promise<unknown> {
  return requireLease(work, lease).then(
    () => error,
    (reason: unknown) => reason,
  );
}

/** @throws SamMilError Refused if the plan has no such step: another program has called this activity */
export function requirePlannedStep(
  plan: Plan,
  step: { stage: string; step: string; uses: string },
): StepPlan {
  const stage = plan.stages.find(({ name }) => name === step.stage);
  const planned = stage?.steps.find(({ id }) => id === step.step);
  if (planned?.uses === step.uses) return planned;
  throw new SamMilError('Refused', `the plan has no step \`${step.step}\` of ${step.stage}`, {
    expected: 'a step of the plan that the run was started with',
    found: step.uses,
  });
}

/**
 * Whoever reaches the server can call a step of a run with other parameters. Those of a command must be what
 * the plan says, up to the values of its expressions.
 * @throws SamMilError Refused
 */
export function requirePlannedWith(planned: StepPlan, given: JsonObject): void {
  const names = new Set([...Object.keys(planned.with), ...Object.keys(given)]);
  const other = [...names].find((name) => !couldBecome(planned.with[name], given[name]));
  if (other === undefined) return;
  throw new SamMilError('Refused', `\`${other}\` of step \`${planned.id}\` is not what the plan says`, {
    expected: JSON.stringify(planned.with[other]),
    found: JSON.stringify(given[other]),
  });
}
