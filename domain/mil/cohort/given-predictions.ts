import { basename } from 'node:path';
import { SamMilError, together } from '../../errors.js';
import { readCsv, type CsvRow } from '../../files/csv.js';
import { firstNames } from '../bags/first-names.js';

/** Predictions of any origin, before labels are known. */
export interface GivenPredictions {
  file: string;
  classes: string[];
  slides: { key: string; probabilities: number[] }[];
  /** Whether the file itself has a column `label`. */
  labeled: boolean;
}

/** Columns of class probabilities start with it. */
export const PREFIX = 'prob_';

/** Sums may differ from 1 by this: tools round probabilities to a few digits. */
const SUM_WITHIN = 1e-3;

/**
 * Reads predictions of mil.predict or of another tool: slide_id and `prob_<class>` of each class. All faults
 * are named together.
 *
 * @param expected classes in index order. Default: the order of the columns
 * @throws SamMilError InvalidInput for missing or unknown classes, slides that occur twice, probabilities
 *   outside 0 to 1 or that do not add up to 1
 */
export function readGivenPredictions(file: string, expected?: readonly string[]): GivenPredictions {
  const { columns, rows } = readCsv(file, { required: ['slide_id'] });
  const found = columns.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
  refuseOtherClasses(file, found, expected);
  const classes = [...(expected ?? found)];
  const slides = rows.map(({ values }) => ({
    key: values.slide_id,
    probabilities: classes.map((name) => Number(values[`${PREFIX}${name}`] || NaN)),
  }));
  const faults = [...repeated(file, rows), ...wrongNumbers(file, rows, slides)];
  if (faults.length > 0) throw together(faults, 'faults in the predictions', { file });
  return { file, classes, slides, labeled: columns.includes('label') };
}

function refuseOtherClasses(file: string, found: readonly string[], expected?: readonly string[]): void {
  if (expected === undefined) {
    if (found.length >= 2) return;
    throw new SamMilError('InvalidInput', 'the predictions do not state the probability of each class', {
      file,
      expected: `columns slide_id and ${PREFIX}<class> of at least two classes`,
      found: found.length === 0 ? `no column ${PREFIX}<class>` : `${PREFIX}${found[0]} only`,
      next: `add a column for the other class: 1 - p of the first`,
    });
  }
  const unknown = found.filter((name) => !expected.includes(name));
  const missing = expected.filter((name) => !found.includes(name));
  if (unknown.length === 0 && missing.length === 0) return;
  throw new SamMilError('InvalidInput', 'the predictions have other classes', {
    file,
    expected: expected.map((name) => PREFIX + name).join(', '),
    found: found.map((name) => PREFIX + name).join(', ') || `no column ${PREFIX}<class>`,
    next: 'rename the columns to the classes of the model',
  });
}

/** Faults of slides that are named more than once, or not at all. */
export function repeated(file: string, rows: readonly CsvRow[]): SamMilError[] {
  const lines = new Map<string, number[]>();
  for (const { line, values } of rows) {
    lines.set(values.slide_id, [...(lines.get(values.slide_id) ?? []), line]);
  }
  const twice = [...lines].filter(([key, at]) => at.length > 1 || key === '');
  if (twice.length === 0) return [];
  return [
    new SamMilError('InvalidInput', 'slides are named more than once, or not at all', {
      file,
      expected: 'one row per slide',
      found: firstNames(twice.map(([key, at]) => `"${key}" (lines ${at.join(', ')})`)),
    }),
  ];
}

function wrongNumbers(
  file: string,
  rows: readonly CsvRow[],
  slides: GivenPredictions['slides'],
): SamMilError[] {
  const wrong = slides.flatMap(({ key, probabilities }, i) => {
    const sum = probabilities.reduce((total, value) => total + value, 0);
    if (!probabilities.every((value) => value >= 0 && value <= 1))
      return [`line ${rows[i].line} "${key}": ${probabilities.join(', ')}`];
    if (Math.abs(sum - 1) <= SUM_WITHIN) return [];
    return [`line ${rows[i].line} "${key}": ${probabilities.join(' + ')} = ${Number(sum.toPrecision(6))}`];
  });
  if (wrong.length === 0) return [];
  return [
    new SamMilError('InvalidInput', 'probabilities do not add up to 1', {
      file,
      expected: 'numbers from 0 to 1 that add up to 1 in each row',
      found: firstNames(wrong),
      next: 'give probabilities (after softmax), not scores or logits',
    }),
  ];
}

/** Name of the model of another tool, from the name of its file. */
export function modelNameOf(file: string): string {
  return basename(file).replace(/\.[^.]*$/, '');
}
