/**
 * Changes to one line, or to a few, that would correct a common mistake. Each is only a guess: it counts if
 * the whole file can be read after it.
 */

export interface Repair {
  /** Index of the first line that changes. */
  line: number;
  /** The new lines in place of the old ones, as many as before. */
  lines: readonly string[];
  /** Offset in the first line that a caret marks. */
  at: number;
  /** What is wrong. */
  message: string;
  /** What to write, if it is more than the corrected line. */
  hint?: string;
}

const EXPRESSION = String.raw`\$?\{\{(?:[^}]|\}(?!\}))*\}\}`;
const BARE = String.raw`[^\s,{}[\]'"]*`;
const QUOTED = String.raw`'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"`;
const KEY = String.raw`[A-Za-z_][\w.-]*`;

/** Repairs of the line at `index`, the more likely ones first. */
export function lineRepairs(lines: readonly string[], index: number): Repair[] {
  const text = lines[index];
  const indent = indentOf(text);
  const content = text.slice(indent);
  const repair = (changed: string, at: number, message: string, hint?: string): Repair[] =>
    changed === text ? [] : [{ line: index, lines: [changed], at, message, hint }];
  return [
    ...swallowed(text, repair),
    ...expressions(text, repair),
    ...markers(content, indent, repair),
    ...quotes(text, repair),
    ...colons(content, indent, repair),
    ...brackets(text, repair),
    ...specialTexts(text, repair),
  ];
}

type Make = (changed: string, at: number, message: string, hint?: string) => Repair[];

/** `{ patches: 'a, slides: 'b' }`: the text ends at the quote that begins the next one. */
function swallowed(text: string, repair: Make): Repair[] {
  const found = /(?<=[:[{,]\s*)(['"])([^'"]*?)(?=,\s+[\w-]+:\s*\1)/.exec(text);
  if (found === null) return [];
  const end = found.index + found[0].length;
  const closed = found[0] + found[1];
  return repair(
    text.slice(0, end) + found[1] + text.slice(end),
    found.index,
    'this quote is not closed',
    `write ${shown(closed)}`,
  );
}

/** `{ slide: ${{ slide.path }} }`: the braces of YAML and those of the expression are the same. */
function expressions(text: string, repair: Make): Repair[] {
  const pattern = new RegExp(`${QUOTED}|(${BARE}(?:${EXPRESSION}${BARE})+)`, 'g');
  let first: { at: number; quoted: string } | undefined;
  const changed = text.replace(pattern, (found: string, bare: string | undefined, at: number) => {
    if (bare === undefined) return found;
    const quoted = inQuotes(bare.replace(/\$?\{\{/g, () => '${{'));
    first ??= { at, quoted };
    return quoted;
  });
  if (first === undefined) return [];
  return repair(changed, first.at, 'an expression must be in quotes here', `write ${first.quoted}`);
}

function inQuotes(text: string): string {
  return text.includes("'") ? `"${text}"` : `'${text}'`;
}

/** What begins a line in other languages: comments, list markers. */
function markers(content: string, indent: number, repair: Make): Repair[] {
  const space = ' '.repeat(indent);
  if (content.startsWith('//')) {
    return repair(`${space}#${content}`, indent, 'a comment begins with #', 'write # in place of //');
  }
  const bullet = /^(?:-(?=[A-Za-z_])|[*•–—]\s+)(.*)$/.exec(content);
  if (bullet) {
    const item = `- ${bullet[1]}`;
    return repair(`${space}${item}`, indent, 'a list item begins with `- `', `write ${shown(item)}`);
  }
  const named = /^([A-Za-z_][\w-]*):\s*(?:#.*)?$/.exec(content);
  const listed = named ? `- id: ${named[1]}` : '';
  return named
    ? repair(
        space + listed,
        indent,
        'the other entries here are list items, and begin with `- `',
        `write ${listed}`,
      )
    : [];
}

function quotes(text: string, repair: Make): Repair[] {
  const value = new RegExp(`^(\\s*(?:- )*${KEY}:\\s+|\\s*- )(['"])(.*)$`).exec(text);
  const found: Repair[] = [];
  if (value) {
    const [, before, quote, rest] = value;
    const other = quote === "'" ? '"' : "'";
    const [end, tail = ''] = rest
      .replace(/\s+#.*$/, '')
      .trimEnd()
      .split(/(,)$/);
    const inner = end.slice(0, -1);
    const at = before.length;
    if (end.endsWith(quote) && inner.includes(quote) && !inner.includes(other)) {
      const fixed = other + inner + other;
      const message = `the text ends at the second ${quote}: it contains the quote that it is written in`;
      found.push(...repair(before + fixed + tail, at, message, `write ${shown(fixed)}`));
    }
    if (end.endsWith(other)) {
      const message = `the text begins with ${quote} and ends with ${other}`;
      found.push(...repair(before + quote + inner + quote + tail, at, message, `end it with ${quote}`));
    }
    if (quote === '"' && end.endsWith(quote) && inner.includes('\\')) {
      const message = 'a backslash in double quotes begins an escape sequence';
      const path = `'${inner}'`;
      found.push(
        ...repair(before + path + tail, at + 1 + inner.indexOf('\\'), message, `write ${shown(path)}`),
      );
    }
  }
  return [...found, ...openQuotes(text, repair)];
}

/** A quote with no partner on its line is closed at the end of the line or of its value. */
function openQuotes(text: string, repair: Make): Repair[] {
  const rest = text.replace(new RegExp(QUOTED, 'g'), (found) => ' '.repeat(found.length));
  const at = /(?<=^|[\s,[{:])['"]/.exec(rest)?.index ?? -1;
  if (at < 0) return [];
  const quote = text[at];
  const end = text.trimEnd().length;
  const stops = [end];
  const separator = /\s*[,}\]](?!\})/.exec(text.slice(at));
  if (separator) stops.unshift(at + separator.index);
  return stops.flatMap((stop) => {
    const closed = text.slice(0, stop) + quote + text.slice(stop);
    return repair(closed, at, 'this quote is not closed', `write ${shown(closed.slice(at, stop + 1))}`);
  });
}

function colons(content: string, indent: number, repair: Make): Repair[] {
  const space = ' '.repeat(indent);
  const parts = new RegExp(`^((?:- )*)(${KEY})(\\s*=\\s*|:|\\s+|)(.*)$`).exec(content);
  if (parts === null) return [];
  const [, dash, key, between, rest] = parts;
  const value = rest.replace(/\s+#.*$/, '');
  if (between === ':' && (rest === '' || rest.startsWith(' '))) return [];
  const line = `${dash}${key}:${rest === '' || value.startsWith('#') ? '' : ' '}${rest}`;
  const missing =
    between === ':' ? 'a space is missing after the colon' : 'the colon after the key is missing';
  const at = indent + dash.length + key.length;
  return repair(space + line, Math.min(at, indent + content.length - 1), missing, `write ${shown(line)}`);
}

function brackets(text: string, repair: Make): Repair[] {
  const { open, wrong } = unmatched(text);
  const end = text.replace(/\s+#.*$/, '').trimEnd().length;
  const tail = text.slice(end);
  const found: Repair[] = [];
  const [last] = open.slice(-1);
  const closing = open.map(({ close }) => close).reverse();
  if (last !== undefined) {
    const message = `this ${text[last.at]} is not closed`;
    const comma = text.slice(0, end).endsWith(',') ? 1 : 0;
    const head = text.slice(0, end - comma);
    const hint = `end the line with ${closing.join(' ')}`;
    found.push(...repair(`${head} ${closing.join(' ')}${text.slice(end - comma)}`, last.at, message, hint));
  }
  if (wrong !== undefined) {
    const { at, expected } = wrong;
    const without = text.slice(0, at) + text.slice(at + 1);
    if (expected !== undefined) {
      const message = `found ${text[at]}, but the bracket that is open here is closed with ${expected}`;
      const swapped = text.slice(0, at) + expected + text.slice(at + 1);
      found.push(...repair(swapped, at, message, `write ${expected}`));
    }
    found.push(...repair(without, at, `this ${text[at]} closes nothing`, 'remove it'));
  }
  found.push(...withoutBraces(text.slice(0, end), tail, repair));
  const apart = /(?<=[{,].*[^\s,{[:]) +(?=[A-Za-z_][\w-]*: )/.exec(text.slice(0, end));
  if (apart) {
    const at = apart.index;
    const hint = `write ${shown(text.slice(text.lastIndexOf('{', at), at))}, …`;
    found.push(
      ...repair(
        `${text.slice(0, at)},${text.slice(at, end)}${tail}`,
        at,
        'a comma is missing between two keys',
        hint,
      ),
    );
  }
  return found;
}

/** `retry: max-attempts: 3, initial-interval: 1s`. */
function withoutBraces(text: string, tail: string, repair: Make): Repair[] {
  const pattern = new RegExp(`^(\\s*(?:- )*${KEY}:\\s+)((?:${KEY}: [^,{}]+, )*${KEY}: [^,{}]+?)\\s*\\}?$`);
  const parts = pattern.exec(text);
  if (parts === null) return [];
  const [, before, inner] = parts;
  const changed = `${before}{ ${inner} }`;
  const message = 'a mapping on one line must be in braces';
  return repair(changed + tail, before.length, message, `write ${shown(changed)}`);
}

interface Unmatched {
  open: { at: number; close: string }[];
  wrong?: { at: number; expected?: string };
}

/** Brackets of a line that have no partner on it, outside of quotes and expressions. */
function unmatched(text: string): Unmatched {
  const hidden = text
    .replace(new RegExp(`${QUOTED}|${EXPRESSION}`, 'g'), (found) => ' '.repeat(found.length))
    .replace(/\s#.*$/, '');
  const open: Unmatched['open'] = [];
  for (let at = 0; at < hidden.length; at++) {
    const close = { '{': '}', '[': ']' }[hidden[at]];
    if (close !== undefined) open.push({ at, close });
    if (hidden[at] !== '}' && hidden[at] !== ']') continue;
    const top = open.pop();
    if (top?.close !== hidden[at]) return { open, wrong: { at, expected: top?.close } };
  }
  return { open };
}

/** `title: 20x: all`, `default: *.svs`: such a text must be in quotes. */
function specialTexts(text: string, repair: Make): Repair[] {
  const value = new RegExp(`^(\\s*(?:- )*${KEY}:\\s+)([^'"\\s#].*)$`).exec(text);
  const found: Repair[] = [];
  if (value) {
    const [, before, rest] = value;
    const bare = rest.replace(/\s+#.*$/, '').trimEnd();
    const why = /^[*&!@%`|>?]/.test(bare)
      ? `a text that begins with ${bare[0]} must be in quotes`
      : 'a text that contains a colon and a space must be in quotes';
    const at = before.length;
    if (!bare.startsWith('{') && !bare.startsWith('['))
      found.push(...repair(before + inQuotes(bare), at, why, `write ${shown(inQuotes(bare))}`));
  }
  const inFlow = /(?<=[{,[]\s*(?:[\w-]+: )?)([*&!@%`][^\s,\]}]*)/.exec(text);
  if (inFlow) {
    const quoted = inQuotes(inFlow[0]);
    const at = inFlow.index;
    const changed = text.slice(0, at) + quoted + text.slice(at + inFlow[0].length);
    const message = `a text that begins with ${inFlow[0][0]} must be in quotes`;
    found.push(...repair(changed, at, message, `write ${quoted}`));
  }
  return found;
}

export function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function shown(text: string): string {
  const line = text.trim();
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}
