import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { listOf, objectOf, shapeFault, TEXT } from '../../../files/json-record.js';
import type { Plan } from '../../../engine/language/plan/plan.js';
import { linesOf } from '../../../engine/store/item-shapes.js';
import { executionFolder } from '../../../engine/store/paths.js';
import type { StepFact } from '../data/step-facts.js';
import { readReceipt } from '../../../engine/store/receipts.js';

/** Number of receipts that are read concurrently. */
const TOGETHER = 16;

const usedFault = shapeFault(objectOf({ key: TEXT, steps: listOf(TEXT) }));

/**
 * Reads the receipts that the ended stages of a run are based on, in the order of the plan. What cannot be
 * read is left out: the report then has fewer facts.
 * @param plan of the run; null if there is no record of it
 */
export async function readSteps(
  work: string,
  run: string | undefined,
  plan: Plan | null,
): Promise<StepFact[]> {
  const facts: StepFact[] = [];
  if (run === undefined) return facts;
  for (const { name: stage } of plan?.stages ?? []) {
    const places = (await usedSteps(work, run, stage)).flatMap(({ key, steps }) =>
      steps.map((step) => ({ stage, item: key, step })),
    );
    for (let start = 0; start < places.length; start += TOGETHER) {
      const read = places.slice(start, start + TOGETHER).map(async (place) => {
        const receipt = await readReceipt(work, place).catch(() => undefined);
        return receipt === undefined ? [] : [{ ...place, receipt }];
      });
      facts.push(...(await Promise.all(read)).flat());
    }
  }
  return facts;
}

interface UsedSteps {
  key: string;
  steps: string[];
}

/** The list that the stage wrote when it ended, in its last execution. */
async function usedSteps(work: string, run: string, stage: string): Promise<UsedSteps[]> {
  const parent = dirname(executionFolder(work, run, stage, 'any'));
  const files: { path: string; time: number }[] = [];
  for (const name of await readdir(parent).catch(() => [])) {
    const path = join(parent, name, 'receipts.jsonl');
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined) files.push({ path, time: found.mtimeMs });
  }
  const last = files.sort((a, b) => b.time - a.time)[0];
  if (last === undefined) return [];
  try {
    return linesOf<UsedSteps>(await readFile(last.path, 'utf8'), usedFault);
  } catch {
    return [];
  }
}
