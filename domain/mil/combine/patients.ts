import { SamMilError } from '../../errors.js';
import { firstNames } from '../bags/first-names.js';

/** Slides by patient; patients in the order in which their first slides appear. */
export interface Patients {
  names: string[];
  /** Row numbers of the slides of each patient, in their order. */
  members: number[][];
}

/** @param ids patient of each slide */
export function groupByPatient(ids: readonly string[]): Patients {
  const groups = new Map<string, number[]>();
  for (const [row, id] of ids.entries()) {
    const members = groups.get(id);
    if (members === undefined) groups.set(id, [row]);
    else members.push(row);
  }
  return { names: [...groups.keys()], members: [...groups.values()] };
}

/**
 * The value that all slides of a patient have: a label, a time, an event or a target.
 * @param values one per slide; null: missing, which contradicts nothing
 * @param what the values are called in the error, such as `labels`
 * @returns one per patient; null if no slide has a value
 * @throws SamMilError InvalidInput naming the patients whose slides have different values
 */
export function agreedValues<T extends string | number>(
  values: readonly (T | null)[],
  { names, members }: Patients,
  what: string,
): (T | null)[] {
  const distinct = members.map((rows) => {
    const known = rows.flatMap((row) => values[row] ?? []);
    return [...new Set(known)];
  });
  const contradicting = names.flatMap((name, patient) =>
    distinct[patient].length > 1 ? [`${name} (${distinct[patient].join(', ')})`] : [],
  );
  if (contradicting.length > 0) {
    const count = contradicting.length === 1 ? '1 patient has' : `${contradicting.length} patients have`;
    throw new SamMilError('InvalidInput', `${count} slides with different ${what}`, {
      expected: 'the same for all slides of a patient',
      found: firstNames(contradicting),
      next: 'correct the table, or use `level: slide`',
    });
  }
  return distinct.map((known) => known[0] ?? null);
}

/**
 * Labels of patients where one positive slide makes the patient positive, on request in place of
 * {@link agreedValues}.
 * @param labels 0 or 1 per slide; null: missing
 * @returns one per patient; null if no slide has a label
 */
export function anyPositive(labels: readonly (number | null)[], { members }: Patients): (number | null)[] {
  return members.map((rows) => {
    const known = rows.flatMap((row) => labels[row] ?? []);
    return known.length === 0 ? null : Math.max(...known);
  });
}
