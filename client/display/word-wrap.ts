import { Help } from 'commander';
import stringWidth from 'string-width';

/** commander's word wrap, with the widths that a terminal gives to wide characters and color codes. */
class WordWrap extends Help {
  override minWidthToWrap = 20;

  override displayWidth(text: string): number {
    return stringWidth(text);
  }
}

const WRAP = new WordWrap();

/** How far the further lines of a statement are indented below its first. */
const HANG = 4;

/** Widest label of a statement below whose text its further lines start. */
const WIDEST_LABEL = 20;

const BLANK = String.raw`(?:\u001b\[[\d;]*m|\s)`;

/**
 * Blanks and color codes, then a label: that of a fact or hint, or a word and what separates it from its
 * text.
 */
const INDENT = new RegExp(
  `^${BLANK}*(?:((?:expected|found|next|hint:)${BLANK}+|(?:\\S+ )?\\S+ {2,})(?=\\S))?`,
);

/** A line of a source file with its number, or the carets below it. */
const EXCERPT = new RegExp(`^${BLANK}*\\d*${BLANK}*\\|`);

/**
 * Wraps statements at words to the width of the terminal, which would cut words in two. Words that are wider
 * (paths, addresses) stay whole, and pipes and files get whole lines.
 */
export function wrapText(text: string, { isTTY, columns }: { isTTY?: boolean; columns?: number }): string {
  if (isTTY !== true || columns === undefined) return text;
  return text
    .split('\n')
    .map((line) => wrapLine(line, columns))
    .join('\n');
}

function wrapLine(line: string, columns: number): string {
  if (stringWidth(line) <= columns || EXCERPT.test(line)) return line;
  const [blank] = /^\s*/.exec(line) ?? [''];
  const [labeled, label] = INDENT.exec(line) ?? [''];
  const isLabeled = label !== undefined && stringWidth(labeled) <= WIDEST_LABEL;
  const start = isLabeled ? labeled : blank;
  // A line below the text of a label is indented far enough.
  const hang = isLabeled || blank.length > 2 * HANG ? 0 : HANG;
  const indent = stringWidth(start) + hang;
  const wrapped = WRAP.boxWrap(line.slice(start.length), columns - indent);
  return start + wrapped.replaceAll('\n', `\n${' '.repeat(indent)}`);
}
