import { html, type Markup } from '../data/html.js';

/**
 * Breaks a label into lines of at most `width` characters, at spaces where possible. Nothing is left out:
 * models and slides are often told apart only by the end of their names.
 */
export function wrapLabel(label: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of label.split(/\s+/).flatMap((long) => pieces(long, width))) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function pieces(word: string, width: number): string[] {
  return word.match(new RegExp(`.{1,${width}}`, 'gsu')) ?? [''];
}

export const LINE_HEIGHT = 15;

/** Lines of text, the first one at `y`. */
export function textLines(lines: readonly string[], x: number, y: number, anchor: 'start' | 'end'): Markup {
  return html`<text class="row-label" text-anchor="${anchor}"
    >${lines.map((line, i) => html`<tspan x="${x}" y="${y + i * LINE_HEIGHT}">${line}</tspan>`)}</text
  >`;
}
