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

const BLANK = String.raw`(?:\u001b\[[\d;]*m|\s)`;

/** Blanks and color codes, then the label of a fact or of a hint, below whose text further lines start. */
const INDENT = new RegExp(`^${BLANK}*(?:(expected|found|next|hint:)${BLANK}+)?`);

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
  const [start, label] = INDENT.exec(line) ?? [''];
  const indent = stringWidth(start) + (label === undefined ? HANG : 0);
  const wrapped = WRAP.boxWrap(line.slice(start.length), columns - indent);
  return start + wrapped.replaceAll('\n', `\n${' '.repeat(indent)}`);
}
