import { groupName } from './group-name.js';
import type { ReadFold, Sweep, SweepPoint } from './report-data.js';
import { isOptimistic, summarize } from './summary.js';

/**
 * One sweep per parameter and group by the other fields. Only folds that have a value for the parameter take
 * part.
 */
export function buildSweeps(
  folds: readonly ReadFold[],
  parameters: readonly string[],
  groupBy: readonly string[],
): Sweep[] {
  const rest = groupBy.filter((field) => !parameters.includes(field));
  return parameters.flatMap((parameter) => {
    const taking = folds.filter(({ values }) => isScalar(values[parameter]));
    const families = new Map<string, ReadFold[]>();
    for (const fold of taking) {
      const name = rest.length === 0 ? '' : groupName(fold.values, rest);
      families.set(name, [...(families.get(name) ?? []), fold]);
    }
    return [...families].map(([of, members]) => buildSweep(parameter, of, members));
  });
}

function buildSweep(parameter: string, of: string, members: readonly ReadFold[]): Sweep {
  const values = [...new Set(members.map((fold) => fold.values[parameter]))].filter(isScalar);
  const numeric = values.every((value) => typeof value === 'number');
  if (numeric) values.sort((a, b) => a - b);
  const { protocol } = members[0].metrics;
  const points = values.map((value): SweepPoint => {
    const own = members.filter((fold) => fold.values[parameter] === value);
    const [row] = summarize(own.map(({ metrics }) => ({ group: parameter, metrics })));
    const { auc, f1 } = row.protocols[protocol];
    return { value, folds: row.folds, auc, f1 };
  });
  const optimistic = summarize(members).some(isOptimistic);
  return { parameter, of, protocol, optimistic, points };
}

function isScalar(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}
