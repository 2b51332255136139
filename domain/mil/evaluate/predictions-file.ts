import { SamMilError } from '../../errors.js';
import { formatCsv, readCsv } from '../../files/csv.js';
import type { Prediction } from './evaluate-predictions.js';

/**
 * Predictions as CSV: slide_id, label (class name), one `prob_<class>` a class with all digits, called (class name by the chosen threshold).
 * @param called class index a slide
 */
export function formatPredictions(
  predictions: readonly Prediction[],
  classes: readonly string[],
  called: readonly number[],
): string {
  const columns = ['slide_id', 'label', ...classes.map((name) => `prob_${name}`), 'called'];
  const rows = predictions.map(({ key, label, probabilities }, i) => ({
    slide_id: key,
    label: classes[label],
    ...Object.fromEntries(classes.map((name, k) => [`prob_${name}`, `${probabilities[k]}`])),
    called: classes[called[i]],
  }));
  return formatCsv(columns, rows);
}

/**
 * Reads what {@link formatPredictions} wrote; the numbers are the same.
 * @throws SamMilError InvalidInput as file:line
 */
export function readPredictions(path: string, classes: readonly string[]): Prediction[] {
  const required = ['slide_id', 'label', ...classes.map((name) => `prob_${name}`)];
  return readCsv(path, { header: true, required }).rows.map(({ line, values }) => {
    const label = classes.indexOf(values.label);
    const probabilities = classes.map((name) => Number(values[`prob_${name}`] || NaN));
    if (label === -1 || !probabilities.every(Number.isFinite)) {
      throw new SamMilError('InvalidInput', 'not a prediction', {
        file: `${path}:${line}`,
        expected: `a label of ${classes.join(', ')} and a probability a class`,
        found: Object.values(values).join(','),
      });
    }
    return { key: values.slide_id, label, probabilities };
  });
}
