import { SamMilError } from '../../errors.js';
import { combineProbabilities, type Combination } from '../combine/patient-scores.js';
import { agreedValues, groupByPatient, type Patients } from '../combine/patients.js';
import { firstNames } from '../bags/first-names.js';

/** A scored slide whose label may be unknown. */
export interface ScoredSlide {
  key: string;
  /** Class index. */
  label: number | null;
  probabilities: readonly number[];
  patient?: string;
  site?: string;
}

/**
 * Groups slides by patient.
 * @throws SamMilError InvalidInput naming the slides without a patient
 */
export function patientsOf(
  slides: readonly { key: string; patient?: string }[],
  file: string | undefined,
): Patients {
  const without = slides.filter(({ patient }) => patient === undefined).map(({ key }) => key);
  if (without.length > 0) {
    throw new SamMilError('InvalidInput', '`level: patient` needs the patient of each slide', {
      ...(file !== undefined && { file }),
      expected: 'a column such as patient_id with a value for each slide',
      found: `no patient for ${without.length} slides: ${firstNames(without)}`,
      next: 'add the patients to `labels`, or use `level: slide`',
    });
  }
  return groupByPatient(slides.map(({ patient = '' }) => patient));
}

/**
 * Combines the scores of the slides of each patient.
 * @returns one entry per patient, in the order of their first slides
 * @throws SamMilError InvalidInput naming the patients whose slides have different labels or sites
 */
export function combinePatients(
  slides: readonly ScoredSlide[],
  patients: Patients,
  by: Combination,
  classes: readonly string[],
): (ScoredSlide & { slides: number })[] {
  const labels = agreedValues(
    slides.map(({ label }) => (label === null ? null : classes[label])),
    patients,
    'labels',
  );
  const sites = agreedValues(
    slides.map(({ site }) => site ?? null),
    patients,
    'sites',
  );
  const rows = combineProbabilities(
    slides.map(({ probabilities }) => probabilities),
    patients,
    by,
  );
  return patients.names.map((key, i) => {
    const [label, site] = [labels[i], sites[i]];
    return {
      key,
      label: label === null ? null : classes.indexOf(label),
      probabilities: [...rows[i]],
      ...(site !== null && { site }),
      slides: patients.members[i].length,
    };
  });
}
