import type { StagePlan } from '../../domain/engine/language/plan/plan.js';
import type { EngineContext } from '../step/engine-context.js';
import { writeLock } from './lock-file.js';
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
    ...(stage.of === undefined ? {} : { of: stage.of }),
    ...(stage.if === undefined ? {} : { if: stage.if }),
    ...(follows === undefined ? {} : { follows }),
  };
}
