import { SamMilError } from '../../errors.js';

/**
 * Placeholders of `command` and `env`. Their values are paths of one attempt, which `${{ }}` cannot know.
 * Braces around anything else are plain text.
 */
const PLACEHOLDER = /\{(script|checkpoint|job|(?:inputs|items|outputs|params)\.[A-Za-z_][\w-]*)\}/g;

/** Returns the names in the placeholders of a text: `script`, `inputs.bag`. */
export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(PLACEHOLDER)].map(([, name]) => name);
}

/**
 * Fills in the placeholders of a text. Values are inserted as they are, and never searched for placeholders.
 * @param values by name: `inputs.bag`
 * @throws SamMilError InvalidInput for a placeholder without a value
 */
export function fillIn(
  text: string,
  values: ReadonlyMap<string, string>,
  quote: (value: string) => string = (value) => value,
): string {
  return text.replaceAll(PLACEHOLDER, (placeholder, name: string) => {
    const value = values.get(name);
    if (value === undefined) {
      throw new SamMilError('InvalidInput', `nothing is declared for the placeholder ${placeholder}`, {
        expected: [...values.keys()].map((known) => `{${known}}`).join(', '),
      });
    }
    return quote(value);
  });
}

/** Quotes a value as one word of a POSIX shell. */
export function quoteForShell(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
