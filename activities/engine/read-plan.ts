import { packageVersion } from '../../domain/package-root.js';
import { publishRecord } from '../../domain/engine/store/publish.js';
import { lockPath } from '../../domain/engine/store/paths.js';
import type { Plan, StagePlan } from '../../domain/engine/language/plan/plan.js';
import type { EngineContext } from '../step/engine-context.js';
import { followedStage } from './needs-references.js';
import { readPlan } from '../step/plan-file.js';
import type { PlanSummary, ReadPlanInput, StageSummary } from './stage-messages.js';

/**
 * Opens a run: checks that this installation can run its plan, writes the lock file, and returns what the run
 * workflow needs from the plan.
 */
export async function openRun(engine: EngineContext, input: ReadPlanInput): Promise<PlanSummary> {
  const plan = await readPlan(input.plan);
  await writeLock(engine, plan, input);
  return { name: plan.name, onFailure: plan.onFailure, stages: plan.stages.map(summaryOf) };
}

function summaryOf(stage: StagePlan): StageSummary {
  const { name, needs, maxParallel } = stage;
  const follows = followedStage(stage);
  return {
    name,
    needs,
    maxParallel,
    ...(stage.if === undefined ? {} : { if: stage.if }),
    ...(follows === undefined ? {} : { follows }),
  };
}

/**
 * Records what a later `resume`, or a reader years later, needs: the plan, what it was made from, and the
 * versions that ran it.
 */
async function writeLock(engine: EngineContext, plan: Plan, input: ReadPlanInput): Promise<void> {
  const steps = plan.stages.flatMap((stage) => stage.steps);
  const planned = Object.fromEntries(steps.map(({ uses, version }) => [uses, version] as const));
  const here = Object.keys(planned).map(
    (name) => [name, engine.registry.get(name)?.version ?? null] as const,
  );
  const code = engine.registry.external.map(({ name, digest }) => [name, digest] as const);
  const lock = {
    lock: 1,
    run: input.run,
    plan: input.plan,
    pipeline: plan.name,
    source: plan.source,
    params: plan.params,
    header: input.header,
    activities: { planned, worker: Object.fromEntries(here) },
    ...(plan.plugins && { plugins: { planned: plan.plugins, worker: Object.fromEntries(code) } }),
    engine: packageVersion(),
    node: process.version,
  };
  const { work, run, lease } = input;
  await publishRecord(work, lease, lockPath(work, run), `${JSON.stringify(lock, null, 2)}\n`);
}
