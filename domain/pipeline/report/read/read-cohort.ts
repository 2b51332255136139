import { isFileRef, type ItemRecord } from '../../../job.js';
import { readSplits } from '../../../mil/split/splits.js';
import { outputFile } from '../../output-refs.js';
import type { CohortFacts, ReadFold } from '../data/report-data.js';

import type { StepFact } from '../data/step-facts.js';

/** Counts the scored slides of each class, and reads from the splits whether patients were kept together. */
export async function readCohort(
  folds: readonly ReadFold[],
  steps: readonly StepFact[],
  work: string,
): Promise<CohortFacts> {
  const classes = new Map<string, Set<string>>();
  for (const { metrics, predictions } of folds) {
    for (const name of metrics.classes) if (!classes.has(name)) classes.set(name, new Set());
    for (const { key, label } of predictions) classes.get(metrics.classes[label])?.add(key);
  }
  return {
    classes: [...classes].map(([name, keys]) => [name, keys.size]),
    patients: await readPatients(folds, steps, work),
  };
}

async function readPatients(
  folds: readonly ReadFold[],
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
