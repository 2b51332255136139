import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../../domain/json.js';
import { publishRecord } from '../../domain/engine/store/publish.js';
import { lockPath, runFolder } from '../../domain/engine/store/paths.js';
import { readReceipt } from '../../domain/engine/store/receipts.js';
import { parseItems } from '../../domain/engine/store/items-digest.js';
import { readPlan } from '../step/plan-file.js';
import type { CloseRunInput } from './stage-messages.js';

/** Ends a run's record: `run.json` says how it ended, the lock file names the weights that were used. */
export async function closeRun(input: CloseRunInput): Promise<void> {
  const { work, run, lease, status } = input;
  await publishRecord(
    work,
    lease,
    join(runFolder(work, run), 'run.json'),
    `${JSON.stringify(status, null, 2)}\n`,
  );
  const path = lockPath(work, run);
  const lock = JSON.parse(await readFile(path, 'utf8')) as JsonObject;
  const weights = await readWeights(input);
  await publishRecord(work, lease, path, `${JSON.stringify({ ...lock, weights }, null, 2)}\n`);
}

/**
 * Reads the hidden inputs from one receipt per step: parameters select them, and these are the same for all
 * items of a stage.
 */
async function readWeights({ plan, work, items }: CloseRunInput): Promise<JsonObject> {
  const weights: JsonObject = {};
  for (const stage of (await readPlan(plan)).stages) {
    const text = await readFile(join(work, items[stage.name] ?? ''), 'utf8').catch(() => '');
    const first = parseItems(text).find((item) => item.status === 'done');
    for (const step of first ? stage.steps : []) {
      const receipt = await readReceipt(work, { stage: stage.name, item: first?.key ?? '', step: step.id });
      const hidden = receipt?.ingredients.hidden ?? {};
      if (Object.keys(hidden).length > 0) weights[`${stage.name}.${step.id}`] = hidden;
    }
  }
  return weights;
}
