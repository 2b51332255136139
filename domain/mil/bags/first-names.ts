/** Maximum number of names in an error message. */
const MAX_NAMES = 10;

/** `a, b, c`, or the first ten names and `, and 5 more`. */
export function firstNames(names: readonly string[]): string {
  const more = names.length > MAX_NAMES ? `, and ${names.length - MAX_NAMES} more` : '';
  return `${names.slice(0, MAX_NAMES).join(', ')}${more}`;
}
