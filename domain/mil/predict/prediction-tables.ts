import { formatCsv } from '../../files/csv.js';
import { calledAt, type LockedThreshold } from '../cohort/lock-threshold.js';
import type { ScoredSlide } from '../cohort/patient-level.js';
import type { SlidePrediction } from './score-slides.js';

/** A slide or a patient with the spread of each probability over the checkpoints. */
export type PredictedRow = ScoredSlide & { spread: readonly number[]; slides?: number };

/**
 * Formats predictions: slide_id (or patient_id and its number of slides), label and patient if known,
 * `prob_<class>` and `spread_<class>` of each class with all digits, called.
 */
export function predictionTable(
  rows: readonly PredictedRow[],
  classes: readonly string[],
  threshold: LockedThreshold,
  level: 'slide' | 'patient',
): string {
  const has = (name: 'patient' | 'site') => rows.some((row) => row[name] !== undefined);
  const labeled = rows.some(({ label }) => label !== null);
  const columns = [
    ...(level === 'patient' ? ['patient_id', 'slides'] : ['slide_id']),
    ...(labeled ? ['label'] : []),
    ...(has('patient') ? ['patient'] : []),
    ...(has('site') ? ['site'] : []),
    ...classes.map((name) => `prob_${name}`),
    ...classes.map((name) => `spread_${name}`),
    'called',
  ];
  return formatCsv(
    columns,
    rows.map(({ key, label, patient, site, slides, probabilities, spread }) => ({
      ...(level === 'patient' ? { patient_id: key, slides } : { slide_id: key }),
      label: label === null ? '' : classes[label],
      ...{ patient, site },
      ...numbers('prob', classes, probabilities),
      ...numbers('spread', classes, spread),
      called: classes[calledAt(probabilities, threshold)],
    })),
  );
}

/** Formats the predictions of each checkpoint: slide_id, checkpoint, `prob_<class>` of each class. */
export function foldTable(
  slides: readonly SlidePrediction[],
  members: readonly { name: string }[],
  classes: readonly string[],
): string {
  const rows = slides.flatMap(({ key, folds }) =>
    folds.map((probabilities, i) => ({
      slide_id: key,
      checkpoint: members[i].name,
      ...numbers('prob', classes, probabilities),
    })),
  );
  return formatCsv(['slide_id', 'checkpoint', ...classes.map((name) => `prob_${name}`)], rows);
}

function numbers(
  what: string,
  classes: readonly string[],
  values: readonly number[],
): Record<string, string> {
  return Object.fromEntries(classes.map((name, k) => [`${what}_${name}`, `${values[k]}`]));
}
