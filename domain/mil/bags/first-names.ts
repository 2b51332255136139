/** At most so many names are worth reading in an error. */
const MOST = 10;

/** `a, b, c`, or the first ten `and 5 more`. */
export function firstNames(names: readonly string[]): string {
  const more = names.length > MOST ? `, and ${names.length - MOST} more` : '';
  return `${names.slice(0, MOST).join(', ')}${more}`;
}
