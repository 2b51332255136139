/** The last line of a program's output or log that is not empty. */
export function lastLineOf(text: string): string | undefined {
  return text.trimEnd().split('\n').at(-1)?.trim() || undefined;
}
