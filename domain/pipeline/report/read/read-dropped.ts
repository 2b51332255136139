import { isJsonObject, type Json } from '../../../json.js';
import type { Plan } from '../../../engine/language/plan/plan.js';
import { readReceipt } from '../../../engine/store/receipts.js';
import type { LeftOut } from '../data/report-data.js';

/**
 * More labels without a slide than this share one row: a run on part of a cohort may use the labels of the
 * whole cohort.
 */
const MOST_LABELS = 5;

/**
 * Lists what the splits of a run left out: slides without a label and labels without a slide. No other part
 * of a report shows them, because every item of every stage succeeded.
 * @param plan of the run; null if there is no record of it
 * @param reported names that the report lists elsewhere, such as slides that failed
 */
export async function listDropped(
  work: string,
  plan: Plan | null,
  reported: ReadonlySet<string>,
): Promise<LeftOut[]> {
  const left = new Map<string, LeftOut>();
  for (const stage of plan?.stages ?? []) {
    for (const { id, uses } of stage.steps) {
      if (uses !== 'mil.split' || stage.source.kind !== 'single') continue;
      const receipt = await readReceipt(work, { stage: stage.name, item: stage.name, step: id });
      for (const { name, reason } of readDropped(receipt?.outputs.dropped)) {
        if (reported.has(name) || left.has(name)) continue;
        left.set(name, { stage: stage.name, item: name, status: 'left out', reason });
      }
    }
  }
  return shortened([...left.values()]);
}

function readDropped(value: Json | undefined): { name: string; reason: string }[] {
  return (Array.isArray(value) ? value : []).flatMap((entry) =>
    isJsonObject(entry) && typeof entry.name === 'string' && typeof entry.reason === 'string'
      ? [{ name: entry.name, reason: entry.reason }]
      : [],
  );
}

/** Reason as `mil.split` gives it. */
const NO_SLIDE = 'no slide';

function shortened(left: LeftOut[]): LeftOut[] {
  const labels = left.filter(({ reason }) => reason === NO_SLIDE);
  if (labels.length <= MOST_LABELS) return left;
  const first = labels.slice(0, MOST_LABELS).map(({ item }) => item);
  const reason = `${NO_SLIDE} of that name: ${first.join(', ')}, and ${labels.length - MOST_LABELS} more`;
  return [
    ...left.filter((entry) => entry.reason !== NO_SLIDE),
    { ...labels[0], item: `${labels.length} labels`, reason },
  ];
}
