import { SamMilError } from '../../errors.js';
import { classForm, linesByText, refuseSeveral, severalSpellings, spellingsText } from './label-text.js';

interface LabelCell {
  line: number;
  label: string;
}

/**
 * Returns the names of the classes in index order: as requested, or sorted (numbers by value, then other
 * names).
 *
 * @throws SamMilError InvalidInput for a class that is spelled in several ways, and for labels that are not
 *   among the requested ones
 */
export function classNames(
  path: string,
  rows: readonly LabelCell[],
  requested: readonly string[] | undefined,
): string[] {
  const present = [...new Set(rows.map(({ label }) => label))].sort(compareLabels);
  if (requested === undefined) {
    refuseSpellings(path, rows);
    return positiveLast(path, present);
  }
  refuseTwice(path, requested);
  const strangers = rows.filter(({ label }) => !requested.includes(label));
  if (strangers.length === 0) return [...requested];
  const texts = linesByText(strangers.map(({ line, label }) => ({ line, text: label })));
  const what = strangers.length === 1 ? 'the label is' : `the labels of ${strangers.length} rows are`;
  throw new SamMilError('InvalidInput', `${what} not one of \`classes\``, {
    file: `${path}:${strangers[0].line}`,
    expected: requested.join(', '),
    found: strangers.length === 1 ? strangers[0].label : spellingsText(texts),
  });
}

/** @throws SamMilError InvalidInput for fewer than two classes */
export function refuseOneClass(path: string, rows: readonly LabelCell[]): void {
  const present = [...new Set(rows.map(({ label }) => label))];
  if (present.length > 1) return;
  throw new SamMilError('InvalidInput', 'the labels have only one class', {
    file: path,
    expected: 'at least two classes',
    found: present.join(', ') || 'no rows with a label',
  });
}

/** A class that is spelled in two ways would count as two classes. */
function refuseSpellings(path: string, rows: readonly LabelCell[]): void {
  const cells = rows.map(({ line, label }) => ({ line, text: label }));
  refuseSeveral('class', severalSpellings(cells, classForm), {
    file: path,
    expected: 'one spelling for each class',
    next: 'spell the class one way; if these are different classes, list all classes in `classes`',
  });
}

function refuseTwice(path: string, requested: readonly string[]): void {
  const twice = requested.find((name, i) => requested.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new SamMilError('InvalidInput', `\`classes\` contains "${twice}" twice`, {
    file: path,
    expected: 'each class once',
    found: requested.join(', '),
  });
}

/** Names of negative classes. */
const NEGATIVE =
  /^(normal|neg|benign|healthy|control|false|absent|stable|mss|wt|wild[ _-]?type|(no|non|not)\b.*|non[ _-]?\w+|(.*[\s_-])?negative|.*\S-|low\b.*)$/i;

/**
 * The last of two sorted names is scored as the positive class. If it is a negative name, every F1 and
 * heatmap would be of the wrong class.
 */
function positiveLast(path: string, classes: string[]): string[] {
  const [first, last] = classes;
  if (classes.length !== 2 || !NEGATIVE.test(last) || NEGATIVE.test(first)) return classes;
  throw new SamMilError('InvalidInput', `"${last}" would be scored as the positive class`, {
    file: path,
    expected: 'the positive class last (alphabetical order unless `classes` is set)',
    found: classes.join(', '),
    next: `set \`classes: [${last}, ${first}]\``,
  });
}

/**
 * Numbers come first, by value, then other names by their characters: a total order, so that the classes do
 * not depend on the order of the rows.
 */
export function compareLabels(a: string, b: string): number {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined && x !== y) return x - y;
  if ((x === undefined) !== (y === undefined)) return x === undefined ? 1 : -1;
  return a < b ? -1 : a > b ? 1 : 0;
}

const MOST_GRADES = 20;

/** Whether the names of classes are numbers that look measured: fractions, or more than 20. */
export function lookMeasured(classes: readonly string[]): boolean {
  const numbers = classes.flatMap((name) => numberOf(name) ?? []);
  if (numbers.length < classes.length) return false;
  return numbers.length > MOST_GRADES || numbers.some((value) => !Number.isInteger(value));
}

function numberOf(text: string): number | undefined {
  const value = text === '' ? NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}
