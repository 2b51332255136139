/** Markup that is safe to insert. Only {@link html} and {@link trusted} create it. */
export interface Markup {
  readonly markup: string;
}

export type Content = Markup | string | number | null | undefined | false | readonly Content[];

/**
 * Tagged template for markup. It escapes all inserted text; markup from this tag, and lists of it, are
 * inserted as they are; null, undefined and false insert nothing.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return { markup: parts.reduce((text, part, i) => text + render(values[i - 1]) + part) };
}

/** Marks text as trusted markup: our own style sheet, never content read from a file. */
export function trusted(markup: string): Markup {
  return { markup };
}

function render(value: Content): string {
  if (value === null || value === undefined || value === false) return '';
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return `${value}`;
  if ('markup' in value) return value.markup;
  return value.map(render).join('');
}

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]);
}
