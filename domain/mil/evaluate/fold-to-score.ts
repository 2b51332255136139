import { SamMilError } from '../../errors.js';
import type { Job } from '../../job.js';
import type { JsonObject } from '../../json.js';
import { firstNames } from '../bags/first-names.js';
import { groupByPatient, type Patients } from '../combine/patients.js';
import type { SetName, Splits } from '../split/splits.js';
import type { Endpoint, Target } from '../targets/target.js';
import type { HeadFacts } from './endpoint-files.js';
import type { FoldWith } from './fold-facts.js';
import type { ScoredBag } from './score-bags.js';

/** A fold with the outputs of its model, ready to be scored. */
export interface FoldToScore<T extends Target = Target> {
  job: Job<FoldWith>;
  facts: HeadFacts;
  target: T;
  training: JsonObject;
  splits: Splits;
  scored: ScoredBag[];
  /** Of the set that determines the threshold of a classification. */
  validation: ScoredBag[];
}

/**
 * Groups the slides of a fold by patient.
 * @throws SamMilError InvalidInput naming the slides whose patient the splits do not state
 */
export function patientsOfKeys(keys: readonly string[], splits: Splits): Patients {
  const without = keys.filter((key) => patientOf(key, splits) === undefined);
  if (without.length === 0) return groupByPatient(keys.map((key) => patientOf(key, splits) ?? key));
  throw new SamMilError('InvalidInput', '`level: patient` needs the patient of each slide', {
    expected: 'splits with the patients of all slides',
    found: `no patient for ${without.length} slides: ${firstNames(without)}`,
    next: 'set `group-column` of mil.split to the patient column, or use `level: slide`',
  });
}

export function patientOf(key: string, { groups }: Splits): string | undefined {
  return groups && Object.hasOwn(groups, key) ? groups[key] : undefined;
}

/**
 * The scored set, then the set that determines the threshold of a classification, if any. Scoring the
 * validation set with a threshold taken from itself would not be honest.
 */
export function setsToScore(
  { set, threshold }: { set: SetName; threshold: string | number },
  endpoint: Endpoint,
): SetName[] {
  return set === 'val' || threshold !== 'validation' || endpoint !== 'classification' ? [set] : [set, 'val'];
}
