import { SamMilError } from '../../errors.js';
import { formatCsv, readCsv } from '../../files/csv.js';
import { nameCells, nameColumnOf, nameColumns, type Level } from '../cohort/endpoint-predictions.js';
import type { Prediction } from './evaluate-predictions.js';

/**
 * Formats predictions as CSV: slide_id, or patient_id and slides; label (class name), one `prob_<class>` per
 * class with all digits, called (class name at the selected threshold).
 *
 * @param called class index of each slide
 */
export function formatPredictions(
  predictions: readonly Prediction[],
  classes: readonly string[],
  called: readonly number[],
  level: Level = 'slide',
): string {
  const columns = [
    ...nameColumns(predictions, level),
    ...['label', ...classes.map((name) => `prob_${name}`), 'called'],
  ];
  const rows = predictions.map((prediction, i) => ({
    ...nameCells(prediction, level),
    label: classes[prediction.label],
    ...Object.fromEntries(classes.map((name, k) => [`prob_${name}`, `${prediction.probabilities[k]}`])),
    called: classes[called[i]],
  }));
  return formatCsv(columns, rows);
}

/**
 * Reads the output of {@link formatPredictions} with exactly the same numbers.
 *
 * @throws SamMilError InvalidInput as file:line
 */
export function readPredictions(path: string, classes: readonly string[]): Prediction[] {
  const required = ['label', ...classes.map((name) => `prob_${name}`)];
  const seen = new Set<string>();
  const table = readCsv(path, { header: true, required });
  const name = nameColumnOf(path, table.columns);
  return table.rows.map(({ line, values }) => {
    const { [name]: key, patient, slides } = values;
    const label = classes.indexOf(values.label);
    const probabilities = classes.map((name) => Number(values[`prob_${name}`] || NaN));
    const sum = probabilities.reduce((total, value) => total + value, 0);
    const valid = probabilities.every((value) => value >= 0 && value <= 1) && Math.abs(sum - 1) < 1e-3;
    if (label === -1 || !valid || key === '') {
      throw new SamMilError('InvalidInput', 'this row is not a valid prediction', {
        file: `${path}:${line}`,
        expected: `one of the labels ${classes.join(', ')} and one probability per class, summing to 1`,
        found: Object.values(values).join(','),
      });
    }
    if (seen.has(key)) {
      throw new SamMilError('InvalidInput', `"${key}" has two predictions`, {
        file: `${path}:${line}`,
      });
    }
    seen.add(key);
    const optional = { ...(patient && { patient }), ...(slides && { slides: Number(slides) }) };
    return { key, ...optional, label, probabilities };
  });
}
