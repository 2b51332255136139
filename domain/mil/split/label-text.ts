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

const SEPARATORS = /(?<=[\p{L}\p{N}])[\s_-]+(?=[\p{L}\p{N}])/gu;
const TRUTH_WORDS = new Map([
  ['true', '1'],
  ['yes', '1'],
  ['false', '0'],
  ['no', '0'],
]);

/** Compatibility forms and characters without a shape hide differences that a reader cannot see. */
function visible(text: string): string {
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

/** Returns the first name that is written in several ways; undefined if there is none. */
export function twoSpellings(cells: readonly { line: number; text: string }[]): Spellings | undefined {
  const names = new Map<string, Map<string, number[]>>();
  for (const { line, text } of cells) {
    const form = commonSpelling(text);
    const spellings = names.get(form) ?? new Map<string, number[]>();
    spellings.set(text, [...(spellings.get(text) ?? []), line]);
    names.set(form, spellings);
  }
  const several = [...names.values()].find((spellings) => spellings.size > 1);
  return several && { spellings: [...several].map(([text, lines]) => ({ text, lines })) };
}

/** `"Tumor" in 12 rows (first line 2), "tumor" in 8 rows (first line 3)`. */
export function spellingsText({ spellings }: Spellings): string {
  const texts = spellings.map(
    ({ text, lines }) =>
      `"${text}" in ${lines.length} ${lines.length === 1 ? 'row' : 'rows'} (first: line ${lines[0]})`,
  );
  return texts.join(', ');
}
