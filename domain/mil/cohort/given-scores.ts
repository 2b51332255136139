import { SamMilError, together } from '../../errors.js';
import { readCsv } from '../../files/csv.js';
import { firstNames } from '../bags/first-names.js';
import type { Endpoint } from '../targets/target.js';
import { PREFIX, repeated } from './given-predictions.js';

/** Column of the predicted number. */
export const SCORE_COLUMNS = { survival: 'risk', regression: 'predicted' } as const;

/**
 * The endpoint of predictions, by their columns.
 * @throws SamMilError InvalidInput if they have both a risk and a predicted value
 */
export function endpointOfPredictions(file: string): Endpoint {
  const { columns } = readCsv(file, { required: ['slide_id'] });
  const [risk, predicted] = [SCORE_COLUMNS.survival, SCORE_COLUMNS.regression].map((name) =>
    columns.includes(name),
  );
  if (columns.some((name) => name.startsWith(PREFIX)) || (!risk && !predicted)) return 'classification';
  if (!risk) return 'regression';
  if (!predicted) return 'survival';
  throw new SamMilError('InvalidInput', 'the predictions have a risk and a predicted value', {
    file,
    expected: 'a column risk (survival) or predicted (regression)',
    found: `columns ${columns.join(', ')}`,
    next: 'remove one of the columns',
  });
}

/**
 * Reads risks or values of mil.predict or of another tool: slide_id and risk, or predicted. All faults are
 * named together.
 *
 * @throws SamMilError InvalidInput for slides that occur twice and for what is not a finite number
 */
export function readGivenScores(
  file: string,
  endpoint: 'survival' | 'regression',
): { key: string; score: number }[] {
  const column = SCORE_COLUMNS[endpoint];
  const { rows } = readCsv(file, { required: ['slide_id', column] });
  const wrong = rows.filter(({ values }) => !Number.isFinite(Number(values[column] || NaN)));
  const faults = repeated(file, rows);
  if (wrong.length > 0) {
    const names = wrong.map(({ line, values }) => `line ${line} "${values.slide_id}": ${values[column]}`);
    faults.push(
      new SamMilError('InvalidInput', `column ${column} has cells that are not finite numbers`, {
        file,
        expected: endpoint === 'survival' ? 'a risk, larger for an earlier event' : 'a number',
        found: firstNames(names),
      }),
    );
  }
  if (faults.length > 0) throw together(faults, 'faults in the predictions', { file });
  return rows.map(({ values }) => ({ key: values.slide_id, score: Number(values[column]) }));
}
