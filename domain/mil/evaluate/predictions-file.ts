import { SamMilError } from '../../errors.js';
import { formatCsv, readCsv } from '../../files/csv.js';
import type { Prediction } from './evaluate-predictions.js';

/**
 * Formats predictions as CSV: slide_id, label (class name), one `prob_<class>` per class with all digits,
 * called (class name at the selected threshold).
 *
 * @param called class index of each slide
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
 * Reads the output of {@link formatPredictions} with exactly the same numbers.
 *
 * @throws SamMilError InvalidInput as file:line
 */
export function readPredictions(path: string, classes: readonly string[]): Prediction[] {
  const required = ['slide_id', 'label', ...classes.map((name) => `prob_${name}`)];
  const seen = new Set<string>();
  return readCsv(path, { header: true, required }).rows.map(({ line, values }) => {
    const label = classes.indexOf(values.label);
    const probabilities = classes.map((name) => Number(values[`prob_${name}`] || NaN));
    const sum = probabilities.reduce((total, value) => total + value, 0);
    const valid = probabilities.every((value) => value >= 0 && value <= 1) && Math.abs(sum - 1) < 1e-3;
    if (label === -1 || !valid || values.slide_id === '') {
      throw new SamMilError('InvalidInput', 'this row is not a valid prediction', {
        file: `${path}:${line}`,
        expected: `one of the labels ${classes.join(', ')} and one probability per class, summing to 1`,
        found: Object.values(values).join(','),
      });
    }
    if (seen.has(values.slide_id)) {
      throw new SamMilError('InvalidInput', `slide "${values.slide_id}" has two predictions`, {
        file: `${path}:${line}`,
      });
    }
    seen.add(values.slide_id);
    return { key: values.slide_id, label, probabilities };
  });
}
