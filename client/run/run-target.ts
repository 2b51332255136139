import type { SamMilError } from '../../domain/errors.js';
import { suggest } from '../../domain/engine/language/expressions/did-you-mean.js';
import { invalid } from '../command-line/errors.js';
import { readFailed } from './left-out.js';
import { readRunPlan, type RunEntry } from './run-index.js';

/** Splits `STAGE@ITEM`; keys of items may contain an @. */
export function splitTarget(target: string): { stage: string; item?: string } {
  const at = target.indexOf('@');
  return at < 0 ? { stage: target } : { stage: target.slice(0, at), item: target.slice(at + 1) };
}

export function stagesOf(entry: RunEntry): string[] {
  return readRunPlan(entry).stages.map(({ name }) => name);
}

export function noStage(entry: RunEntry, stage: string): SamMilError {
  return invalid(`run ${entry.run} has no stage ${stage}`, suggest(stage, stagesOf(entry), 'stages'));
}

/**
 * Refuses what a run cannot leave out, as far as its record tells, before a server is started to ask.
 * @throws SamMilError InvalidInput for an unknown stage, or an item that is not among the failed ones
 */
export async function refuseUnknownTarget(entry: RunEntry, target: string): Promise<void> {
  const { stage, item } = splitTarget(target);
  const { stages } = readRunPlan(entry);
  // The workflow lists the cells of a stage of the file.
  if (stages.some(({ of, name }) => of === stage && name !== stage)) return;
  if (!stages.some(({ name }) => name === stage)) throw noStage(entry, stage);
  const failed = (await readFailed(entry, [stage])).map(({ key }) => key);
  // Without a record of failures, only the server knows.
  if (item === undefined || failed.length === 0 || failed.includes(item)) return;
  throw invalid(
    `${item} is not a failed item of stage ${stage} in run ${entry.run}`,
    suggest(item, failed, 'failed items'),
  );
}
