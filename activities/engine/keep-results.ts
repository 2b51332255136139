import type { ItemResult } from '../../domain/engine/item/item-result.js';
import type { StagePlan } from '../../domain/engine/language/plan/plan.js';
import { claimPlace, explainLoss, releaseClaim } from '../../domain/engine/store/fence.js';
import { readReceipt } from '../../domain/engine/store/receipts.js';
import { keepStep, writeRunResults, type KeptStep } from '../../domain/engine/store/run-results.js';
import type { EngineContext } from '../step/engine-context.js';
import type { FinishStageInput } from './stage-messages.js';

/** Copies what the run must be able to show later, see `keptByRun`, whether it was made now or up to date. */
export async function keepResults(
  { registry }: EngineContext,
  stage: StagePlan,
  { work, run, lease }: FinishStageInput,
  results: readonly ItemResult[],
): Promise<void> {
  const wanted = stage.steps.filter(({ uses }) => registry.get(uses)?.keptByRun).map(({ id }) => id);
  if (wanted.length === 0) return;
  const claim = await claimPlace(work, lease, { stage: stage.name, item: '', step: 'results' });
  try {
    const steps: KeptStep[] = [];
    for (const { key: item, steps: used } of results) {
      for (const step of used.filter((id) => wanted.includes(id))) {
        const receipt = await readReceipt(work, { stage: stage.name, item, step });
        if (receipt !== undefined) steps.push(await keepStep(claim, run, { item, step, receipt }));
      }
    }
    await writeRunResults(claim, run, { results: 1, stage: stage.name, steps });
  } catch (error) {
    throw await explainLoss(claim, error);
  } finally {
    await releaseClaim(claim).catch(() => undefined);
  }
}
