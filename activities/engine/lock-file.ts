import type { JsonObject } from '../../domain/json.js';
import { packageVersion } from '../../domain/package-root.js';
import { publishRecord } from '../../domain/engine/store/publish.js';
import { LOCK_RECORD } from '../../domain/engine/store/run-records.js';
import { lockPath } from '../../domain/engine/store/paths.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import type { EngineContext } from '../step/engine-context.js';
import type { ReadPlanInput } from './stage-messages.js';

/**
 * Records what a later `resume`, or a reader years later, needs: the plan, what it was made from, and the
 * versions that ran it.
 */
export async function writeLock(engine: EngineContext, plan: Plan, input: ReadPlanInput): Promise<void> {
  await write(input, lockOf(engine, plan, input));
}

/** Adds the weights that were used. A lock file that was damaged is written again. */
export async function addWeights(
  engine: EngineContext,
  plan: Plan,
  input: ReadPlanInput,
  weights: JsonObject,
): Promise<void> {
  const found = await LOCK_RECORD.read(lockPath(input.work, input.run));
  const lock = found.state === 'valid' ? found.value : lockOf(engine, plan, input);
  await write(input, { ...lock, weights });
}

async function write({ work, run, lease }: ReadPlanInput, lock: JsonObject): Promise<void> {
  await publishRecord(work, lease, lockPath(work, run), LOCK_RECORD.text(lock, 2));
}

function lockOf(engine: EngineContext, plan: Plan, input: ReadPlanInput): JsonObject {
  const steps = plan.stages.flatMap((stage) => stage.steps);
  const planned = Object.fromEntries(steps.map(({ uses, version }) => [uses, version] as const));
  const here = Object.keys(planned).map(
    (name) => [name, engine.registry.get(name)?.version ?? null] as const,
  );
  const code = engine.registry.external.map(({ name, digest }) => [name, digest] as const);
  return {
    lock: 1,
    run: input.run,
    plan: { ...input.plan },
    pipeline: plan.name,
    source: plan.source,
    params: plan.params,
    header: input.header,
    activities: { planned, worker: Object.fromEntries(here) },
    ...(plan.plugins && { plugins: { planned: plan.plugins, worker: Object.fromEntries(code) } }),
    engine: packageVersion(),
    node: process.version,
  };
}
