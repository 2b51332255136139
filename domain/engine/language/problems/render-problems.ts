import type { Place, Problem } from './problems.js';

/** Colors parts of a rendered problem. Each function returns its argument if colors are off. */
export interface Paint {
  error: (text: string) => string;
  warning: (text: string) => string;
  faint: (text: string) => string;
  strong: (text: string) => string;
}

export const NO_PAINT: Paint = {
  error: (text) => text,
  warning: (text) => text,
  faint: (text) => text,
  strong: (text) => text,
};

/** Maximum number of characters shown of a line. */
const WIDTH = 120;

/**
 * Renders problems as text in the format of compilers, so that editors can jump to them:
 *
 *     pipeline.yaml:12:7  error unknown-key  ...
 *        12 |       use: mil.split
 *           |       ^^^
 *       hint: did you mean `uses`?
 *
 * @param others text of other files that problems may refer to (params files), by name
 */
export function renderProblems(
  problems: readonly Problem[],
  text: string,
  file: string,
  paint: Paint = NO_PAINT,
  others: ReadonlyMap<string, string> = new Map(),
): string {
  const rendered = problems.map((problem) => {
    const source = problem.file === undefined ? text : others.get(problem.file);
    return renderProblem(problem, source, problem.file ?? file, paint);
  });
  return rendered.join('\n\n');
}

function renderProblem(problem: Problem, text: string | undefined, file: string, paint: Paint): string {
  const { line, column } = problem.place;
  const severity = problem.severity === 'error' ? paint.error('error') : paint.warning('warning');
  const [message, ...more] = problem.message.split('\n').map(visible);
  const head = `${paint.strong(`${file}:${line}:${column}`)}  ${severity} ${problem.code}  ${message}`;
  const source = text?.replace(/^\uFEFF/, '').split(/\r?\n/)[line - 1];
  const snippet = source === undefined || source.trim() === '' ? [] : renderSnippet(source, problem, paint);
  const hint = problem.hint === undefined ? [] : [`  hint: ${visible(problem.hint)}`];
  return [head, ...more.map((text) => `    ${text}`), ...snippet, ...hint].join('\n');
}

function renderSnippet(source: string, problem: Problem, paint: Paint): string[] {
  const { place } = problem;
  const from = Math.max(0, Math.min(place.column - 1 - WIDTH / 2, source.length - WIDTH));
  const shown = visible(source.slice(from, from + WIDTH));
  const mark = problem.severity === 'error' ? paint.error : paint.warning;
  const number = String(place.line).padStart(5);
  const carets = mark('^'.repeat(caretLength(place, from, source.length)));
  const indent = ' '.repeat(displayWidth(visible(source.slice(from, place.column - 1))));
  return [
    `${paint.faint(`${number} |`)} ${shown}`,
    `${paint.faint(`${' '.repeat(number.length)} |`)} ${indent}${carets}`,
  ];
}

function caretLength(place: Place, from: number, lineLength: number): number {
  const end = Math.min(place.column - 1 + place.length, from + WIDTH, Math.max(lineLength, place.column));
  return Math.max(1, end - (place.column - 1));
}

/**
 * Replaces each tab with a space and each control character with a dot, so that the caret stays aligned and
 * no escape sequence reaches the terminal.
 */
function visible(text: string): string {
  return text.replaceAll('\t', ' ').replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e]/g, '·');
}

/**
 * Number of terminal columns. Wide East Asian characters and emoji take two columns, combining marks none.
 */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mark}/u.test(character)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return width;
}
