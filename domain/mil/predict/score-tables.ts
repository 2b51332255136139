import { formatCsv } from '../../files/csv.js';
import { nameCells, nameColumns, type Level } from '../cohort/endpoint-predictions.js';
import type { Case } from '../cohort/patient-cases.js';

/** A slide or a patient with the spread of its score over the checkpoints. */
export type ScoredRow = Case & { spread: number };

/**
 * Formats predictions: slide_id (and patient if known), or patient_id and slides; risk or predicted; spread
 * over the checkpoints; for survival, group (`high` or `low`).
 * @param threshold of survival: a risk above it is high
 */
export function scoreTable(rows: readonly ScoredRow[], level: Level, threshold: number | undefined): string {
  const name = threshold === undefined ? 'predicted' : 'risk';
  return formatCsv(
    [...nameColumns(rows, level), name, 'spread', ...(threshold === undefined ? [] : ['group'])],
    rows.map((row) => ({
      ...nameCells(row, level),
      [name]: `${row.score}`,
      spread: `${row.spread}`,
      ...(threshold !== undefined && { group: row.score > threshold ? 'high' : 'low' }),
    })),
  );
}

/**
 * Formats what each checkpoint gives: slide_id, checkpoint, risk or predicted; for survival, averaged_risk,
 * which is the risk on the scale on which checkpoints are averaged.
 */
export function scoreFoldTable(
  slides: readonly { key: string; folds: readonly number[]; scaled: readonly number[] }[],
  members: readonly { name: string }[],
  endpoint: 'survival' | 'regression',
): string {
  const [name, ...scaledName] = endpoint === 'survival' ? ['risk', 'averaged_risk'] : ['predicted'];
  const rows = slides.flatMap(({ key, folds, scaled }) =>
    folds.map((value, i) => ({
      ...{ slide_id: key, checkpoint: members[i].name, [name]: `${value}` },
      ...Object.fromEntries(scaledName.map((column) => [column, `${scaled[i]}`])),
    })),
  );
  return formatCsv(['slide_id', 'checkpoint', name, ...scaledName], rows);
}
