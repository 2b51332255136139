import { SamMilError, type ErrorFacts } from '../../errors.js';

/**
 * Texts for a value that is not known, as pandas, spreadsheets, R, SQL and the GDC write them. An empty cell
 * is one of them.
 */
const MISSING = new Set([
  ...['', '-', '--', '---', '?', '.', '\u2013', '\u2014'],
  ...[
    'na',
    'n/a',
    'n.a.',
    'n.a',
    '#n/a',
    '#na',
    '<na>',
    '#n/a n/a',
    'nan',
    '-nan',
    '1.#qnan',
    '-1.#ind',
    '1.#ind',
    'nat',
  ],
  ...['null', '#null!', 'nil', 'none', '\\n', 'missing', 'unknown'],
  ...['not available', '[not available]', 'not reported', 'not applicable', '[not applicable]', "'--"],
]);

/** Whether a cell of a table states that its value is not known, ignoring case. */
export function isMissing(cell: string): boolean {
  return MISSING.has(visible(cell).toLowerCase());
}

/** The texts for unknown values, for messages and the documentation. */
export const MISSING_WORDS = 'empty, nan, NA, N/A, None, null, unknown, not reported, -, ?';

/**
 * The form that spellings of one name share: without case, invisible characters, and differences between
 * spaces, hyphens and underscores inside the name; whole numbers without leading zeros and `.0` (`1`, `1.0`,
 * `01`), and the truth words as 1 and 0.
 */
export function commonSpelling(text: string): string {
  const folded = visible(text).toLowerCase().replace(SEPARATORS, ' ');
  const [, sign, digits] = /^\+?(-?)0*(\d+)(?:[.,]0*)?$/.exec(folded) ?? [];
  return digits === undefined ? (TRUTH_WORDS.get(folded) ?? folded) : `${sign}${digits}`;
}

/** As {@link commonSpelling} for a class: numbers of one value are one class (`1`, `1e0`; `0.5`, `.50`). */
export function classForm(text: string): string {
  const common = commonSpelling(text);
  const number = NUMBER.exec(visible(text).toLowerCase()) ?? NUMBER.exec(common);
  const [, sign, whole, part = '', power = '0'] = number ?? [];
  if (whole === undefined) return common;
  const digits = `${whole}${part}`.replace(/^0+/, '');
  if (digits === '') return '0';
  const significant = digits.replace(/0+$/, '');
  const exponent = Number(power) - part.length + digits.length - significant.length;
  return `${sign}${significant}e${exponent}`;
}

const NUMBER = /^\+?(-?)(?=[.,]?\d)(\d*)(?:[.,](\d*))?(?:e([+-]?\d+))?$/;
const SEPARATORS = /(?<=[\p{L}\p{N}])[\s_-]+(?=[\p{L}\p{N}])/gu;
const TRUTH_WORDS = new Map([
  ['true', '1'],
  ['yes', '1'],
  ['false', '0'],
  ['no', '0'],
]);

/** Compatibility forms and characters without a shape hide differences that a reader cannot see. */
export function visible(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .trim();
}

/** The form by which columns are found: `Patient ID`, `patient-id` and `PatientID` are one name. */
export function columnForm(name: string): string {
  return visible(name)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

/** Rows of a table that write one name in several ways. */
export interface Spellings {
  /** Each spelling with its rows, in the order of the table. */
  spellings: { text: string; lines: number[] }[];
}

/** The rows of each text, in the order of the table. */
export function linesByText(cells: readonly { line: number; text: string }[]): Spellings {
  const found = new Map<string, number[]>();
  for (const { line, text } of cells) {
    const lines = found.get(text) ?? [];
    lines.push(line);
    found.set(text, lines);
  }
  return { spellings: [...found].map(([text, lines]) => ({ text, lines })) };
}

/** Returns the names that are written in several ways. Spellings of one name have the same `form`. */
export function severalSpellings(
  cells: readonly { line: number; text: string }[],
  form = commonSpelling,
): Spellings[] {
  const names = new Map<string, { line: number; text: string }[]>();
  for (const cell of cells) {
    const same = names.get(form(cell.text)) ?? [];
    same.push(cell);
    names.set(form(cell.text), same);
  }
  return [...names.values()].map(linesByText).filter(({ spellings }) => spellings.length > 1);
}

/**
 * Refuses names that are written in several ways.
 * @param what `class` or `patient`
 * @throws SamMilError InvalidInput at the first row with a second spelling
 */
export function refuseSeveral(
  what: string,
  several: readonly Spellings[],
  { file, ...facts }: ErrorFacts & { file: string },
): void {
  if (several.length === 0) return;
  const [{ spellings: [first, second] }] = several; // prettier-ignore
  const more = several.length > 1 ? `; ${several.length} names have several spellings` : '';
  throw new SamMilError('InvalidInput', `${what} "${first.text}" is also spelled "${second.text}"${more}`, {
    ...facts,
    file: `${file}:${second.lines[0]}`,
    found: firstOf(several.map(spellingsText), '; '),
  });
}

const MOST = 12;

/** The first twelve texts, and how many more there are. */
export function firstOf(texts: readonly string[], separator = ', '): string {
  const more = texts.length > MOST ? `${separator}and ${texts.length - MOST} more` : '';
  return `${texts.slice(0, MOST).join(separator)}${more}`;
}

/** `"Tumor" in 12 rows (first line 2), "tumor" in 8 rows (first line 3)`. */
export function spellingsText({ spellings }: Spellings): string {
  const texts = spellings.map(
    ({ text, lines }) =>
      `"${text}" in ${lines.length} ${lines.length === 1 ? 'row' : 'rows'} (first: line ${lines[0]})`,
  );
  return firstOf(texts);
}
