import type { ItemsRef } from '../../domain/job.js';
import type { JsonObject } from '../../domain/json.js';
import type { Plan, StagePlan } from '../../domain/engine/language/plan/plan.js';
import { publishRecord } from '../../domain/engine/store/publish.js';
import { readItems } from '../../domain/engine/store/items-digest.js';
import { runRecordPath } from '../../domain/engine/store/paths.js';
import { readReceipt } from '../../domain/engine/store/receipts.js';
import { RUN_RECORD } from '../../domain/engine/store/run-records.js';
import type { EngineContext } from '../step/engine-context.js';
import { addWeights } from './lock-file.js';
import { readPlan } from '../step/plan-file.js';
import type { CloseRunInput } from './stage-messages.js';

/** Ends a run's record: `run.json` says how it ended, the lock file names the weights that were used. */
export async function closeRun(engine: EngineContext, input: CloseRunInput): Promise<void> {
  const { work, run, lease, status } = input;
  await publishRecord(work, lease, runRecordPath(work, run), RUN_RECORD.text(status, 2));
  const plan = await readPlan(input.plan);
  await addWeights(engine, plan, input, await readWeights(plan, input));
}

/**
 * Reads the hidden inputs from one receipt per step: parameters select them, and these are the same for all
 * items of a stage.
 */
async function readWeights(plan: Plan, { work, items }: CloseRunInput): Promise<JsonObject> {
  const weights: JsonObject = {};
  for (const stage of plan.stages) {
    const first = await firstDone(work, items[stage.name]);
    if (first === undefined) continue;
    for (const step of stage.steps) {
      const hidden = await hiddenOf(work, stage, first, step.id);
      if (Object.keys(hidden).length > 0) weights[`${stage.name}.${step.id}`] = hidden;
    }
  }
  return weights;
}

async function hiddenOf(work: string, stage: StagePlan, item: string, step: string): Promise<JsonObject> {
  const receipt = await readReceipt(work, { stage: stage.name, item, step });
  return receipt?.ingredients.hidden ?? {};
}

/** A run that failed may have lost its lists; its record is written without their weights. */
async function firstDone(work: string, ref: ItemsRef | undefined): Promise<string | undefined> {
  const records = ref === undefined ? [] : await readItems(work, ref).catch(() => []);
  return records.find(({ status }) => status === 'done')?.key;
}
