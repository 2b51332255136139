import { join } from 'node:path';
import type { FileRef, ItemRecord, ItemsRef } from '../../domain/job.js';
import { itemRecord } from '../../domain/engine/item/item-result.js';
import { addToTally, newTally } from '../../domain/engine/item/tally.js';
import type { StagePlan } from '../../domain/engine/language/plan/plan.js';
import { claimPlace, explainLoss, releaseClaim } from '../../domain/engine/store/fence.js';
import { executionFolder } from '../../domain/engine/store/paths.js';
import { publishStageFiles } from '../../domain/engine/store/publish.js';
import { readReceipt } from '../../domain/engine/store/receipts.js';
import type { FinishedItem } from '../define/define-activity.js';
import type { EngineContext } from '../step/engine-context.js';
import { requireComplete } from './complete-results.js';
import { keepResults } from './keep-results.js';
import { writeLines } from './lines-file.js';
import { readManifest } from './manifest-file.js';
import { readPlan, stageOf } from '../step/plan-file.js';
import { readResults } from './results-file.js';
import type { FinishedStageResult, FinishStageInput } from './stage-messages.js';

/**
 * Ends a stage: one items file from all results, sorted by key and free of times, so that equal results give
 * equal bytes; then the stage-level files of its activities.
 */
export async function finishStage(
  engine: EngineContext,
  input: FinishStageInput,
): Promise<FinishedStageResult> {
  const stage = stageOf(await readPlan(input.plan), input.stage);
  const lines = await readManifest(input.work, input.manifest);
  const results = await readResults(input, input.stage);
  requireComplete(input, lines, results);
  const records = results.map((result) => itemRecord(result, lines[result.index].fields));
  const items: ItemsRef = { items: await write(input, 'items.jsonl', records), count: records.length };
  const receipts = await write(
    input,
    'receipts.jsonl',
    results.map(({ key, steps }) => ({ key, steps })),
  );
  await writeStageFiles(engine, stage, input, records);
  await keepResults(engine, stage, input, results);
  const only = stage.source.kind === 'single' && results[0]?.status === 'done' ? results[0] : undefined;
  const tally = newTally(lines.length);
  for (const result of results) addToTally(tally, stage.name, result);
  return { items, receipts, ...tally, ...(only ? { outputs: only.outputs } : {}) };
}

/** Writes one of the lists of the stage's items. */
function write(input: FinishStageInput, name: string, lines: readonly unknown[]): Promise<FileRef> {
  const { work, run, stage, execution } = input;
  return writeLines(work, join(executionFolder(work, run, stage, execution), name), lines);
}

async function writeStageFiles(
  engine: EngineContext,
  stage: StagePlan,
  { work, lease }: FinishStageInput,
  records: ItemRecord[],
): Promise<void> {
  const done = new Set<string>();
  for (const step of stage.steps) {
    const definition = engine.registry.get(step.uses);
    if (!definition?.finishStage || done.has(step.uses)) continue;
    done.add(step.uses);
    const claim = await claimPlace(work, lease, { stage: stage.name, item: '', step: step.uses });
    try {
      const items = finishedItems(work, stage.name, step.id, records);
      await definition.finishStage({ folder: claim.scratch, items });
      await publishStageFiles(claim);
    } catch (error) {
      throw await explainLoss(claim, error);
    } finally {
      await releaseClaim(claim).catch(() => undefined);
    }
  }
}

async function* finishedItems(
  work: string,
  stage: string,
  step: string,
  records: ItemRecord[],
): AsyncIterable<FinishedItem> {
  for (const record of records) {
    const receipt = await readReceipt(work, { stage, item: record.key, step });
    const parts = receipt
      ? { with: receipt.ingredients.with, outputs: receipt.outputs }
      : { with: {}, outputs: {} };
    yield { ...record, step: parts };
  }
}
