import { isFileRef, type ItemRecord } from '../../../job.js';
import { readSplits } from '../../../mil/split/splits.js';
import { outputFile } from '../../output-refs.js';
import type { CohortFacts } from '../data/report-data.js';
import type { ReadEvaluation } from './read-evaluations.js';

import type { StepFact } from '../data/step-facts.js';

/**
 * Counts the scored slides, those of each class and those with the event, and reads from the splits whether
 * patients were kept together.
 */
export async function readCohort(
  folds: readonly ReadEvaluation[],
  steps: readonly StepFact[],
  work: string,
): Promise<CohortFacts> {
  const classes = new Map<string, Set<string>>();
  const [scored, events] = [new Set<string>(), new Set<string>()];
  for (const fold of folds) {
    if ('outcomes' in fold) {
      for (const outcome of fold.outcomes) {
        scored.add(outcome.key);
        if ('event' in outcome && outcome.event === 1) events.add(outcome.key);
      }
      continue;
    }
    const { metrics, predictions } = fold;
    for (const name of metrics.classes) if (!classes.has(name)) classes.set(name, new Set());
    for (const { key, label } of predictions) classes.get(metrics.classes[label])?.add(key);
  }
  return {
    classes: [...classes].map(([name, keys]) => [name, keys.size]),
    scored: scored.size,
    events: events.size,
    patients: await readPatients(folds, steps, work),
  };
}

async function readPatients(
  folds: readonly ReadEvaluation[],
  steps: readonly StepFact[],
  work: string,
): Promise<CohortFacts['patients']> {
  const used = new Set(folds.flatMap(({ metrics }) => metrics.sources.splits ?? []));
  const patients = new Set<string>();
  let [grouped, known] = [true, false];
  for (const { item: key, receipt } of steps) {
    const { splits } = receipt.outputs;
    if (!isFileRef(splits) || !used.has(splits.digest)) continue;
    const item: ItemRecord = { key, fields: {}, status: 'done', outputs: receipt.outputs };
    try {
      const { groups } = readSplits((await outputFile(item, 'splits', work)).absolute);
      known = true;
      if (groups === undefined) grouped = false;
      else Object.values(groups).forEach((patient) => patients.add(patient));
    } catch {
      // The evaluations do not depend on the file any more; the report then has one fact less.
    }
  }
  return known ? { grouped, count: patients.size } : null;
}
