import { posix } from 'node:path';
import { commonSpelling } from './label-text.js';

/** What a spreadsheet makes of names such as `1-2` (a date) and of long numbers. */
const MONTH = '(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)';
const MADE = [
  new RegExp(String.raw`^(?:\d{1,4}-${MONTH}(?:-\d{2,4})?|${MONTH}-\d{1,4})$`, 'i'),
  /^\d{4}-\d\d-\d\d(?: 00:00:00)?$/,
  /^\d{1,4}[./]\d{1,2}[./]\d{2,4}$/,
  /^\d(?:[.,]\d+)?e\+\d+$/i,
];

/** How to undo what a spreadsheet made of a name; undefined if no name looks like that. */
export function spreadsheetHint(names: readonly string[]): string | undefined {
  const made = names.find((name) => MADE.some((form) => form.test(name)));
  if (made === undefined) return undefined;
  return `"${made}" may be what a spreadsheet made of a name: format the column as text before the names are entered`;
}

/**
 * Says which of the labels without a slide differs from a slide without a label only in its folder, its
 * case, leading zeros or characters that are not seen; undefined if there is none.
 */
export function similarHint(slides: readonly string[], labels: readonly string[]): string | undefined {
  const bySpelling = new Map(slides.map((slide) => [commonSpelling(slide), slide]));
  for (const label of labels) {
    const { base, name } = posix.parse(label.replaceAll('\\', '/'));
    const slide = [base, name].flatMap((text) => bySpelling.get(commonSpelling(text)) ?? []).at(0);
    if (slide !== undefined) return `write "${slide}" for "${shown(label)}" if that slide is meant`;
  }
  return undefined;
}

/** With the codes of the characters that are not seen. */
function shown(text: string): string {
  return text.replace(
    /\p{Cf}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
