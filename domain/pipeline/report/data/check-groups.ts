import { suggest } from '../../../engine/language/expressions/did-you-mean.js';
import { SamMilError } from '../../../errors.js';
import { canonicalJson, type Json } from '../../../json.js';
import type { EvaluatedFold } from './evaluated-fold.js';

/** Fields that differ between the evaluations of a group by design. */
const PLACE = ['repeat', 'fold', 'seed'];

/**
 * Refuses a field of `group-by` or `sweep` that no evaluation has: the report would pool different things, or
 * draw nothing, without a word.
 * @throws SamMilError InvalidInput naming the field and those that exist
 */
export function requireFields(
  folds: readonly EvaluatedFold[],
  groupBy: readonly string[],
  swept: readonly string[],
): void {
  if (folds.length === 0) return;
  for (const [parameter, fields] of [
    ['group-by', groupBy],
    ['sweep', swept],
  ] as const) {
    for (const field of fields) {
      const values = folds.map((fold) => fold.values[field]).filter((value) => value !== undefined);
      if (values.length === 0) throw unknownField(parameter, field, folds);
      if (parameter === 'sweep' && values.every((value) => typeof value === 'object'))
        throw new SamMilError('InvalidInput', `\`sweep: ${field}\` draws nothing`, {
          expected: 'numbers, texts or booleans',
          found: canonicalJson(values[0]).slice(0, 120),
        });
    }
  }
}

function unknownField(parameter: string, field: string, folds: readonly EvaluatedFold[]): SamMilError {
  const known = [...new Set(folds.flatMap(({ fields }) => Object.keys(fields)))].sort();
  if (!known.includes('model')) known.push('model');
  return new SamMilError('InvalidInput', `no evaluation has the field \`${field}\` of \`${parameter}\``, {
    expected: `one of ${known.join(', ')}`,
    found: field,
    next: suggest(field, known, 'the evaluations have'),
  });
}

/**
 * Returns the fields on which evaluations of one group differ although the report does not group by them,
 * sorted. A field that follows from repeat and fold, such as the site that a fold tests, is not one of them,
 * nor is one that only identifies the evaluation, such as the path of its checkpoint.
 */
export function hiddenAxes(folds: readonly EvaluatedFold[], groupBy: readonly string[]): string[] {
  const fields = [...new Set(folds.flatMap((fold) => Object.keys(fold.fields)))].sort();
  const group = (fold: EvaluatedFold) => fold.group;
  const place = ({ metrics }: EvaluatedFold) => `${metrics.repeat} ${metrics.fold}`;
  return fields.filter((field) => {
    if (PLACE.includes(field) || groupBy.includes(field)) return false;
    const value = (fold: EvaluatedFold): Json => fold.fields[field] ?? null;
    if (follows(folds, group, value)) return false;
    // Else one fold of one repeat would count twice.
    if (!follows(folds, (fold) => `${place(fold)} ${fold.group}`, value)) return true;
    const identifies = new Set(folds.map((fold) => canonicalJson(value(fold)))).size === folds.length;
    return !identifies && !follows(folds, place, value);
  });
}

/** Whether the value is the same wherever the key is. */
function follows(folds: readonly EvaluatedFold[], key: Read<string>, value: Read<Json>): boolean {
  const first = new Map<string, string>();
  return folds.every((fold) => {
    const text = canonicalJson(value(fold));
    const known = first.get(key(fold)) ?? text;
    first.set(key(fold), known);
    return known === text;
  });
}

type Read<T> = (fold: EvaluatedFold) => T;
