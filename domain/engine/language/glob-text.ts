/**
 * Patterns of `glob` in which the text of a path is literal: a folder named `Study [A-C]` must not select the
 * files of `Study B`.
 */

/** Characters that have a meaning in a pattern. */
const MAGIC = /[\\()[\]{}*?!@+|]/g;

/** Returns the pattern that matches exactly this text. */
export function escapeGlob(text: string): string {
  return text.replace(MAGIC, (character) => `\\${character}`);
}

/** Returns the text that a pattern without unescaped wildcards matches. */
export function unescapeGlob(pattern: string): string {
  return pattern.replace(/\\(.)/g, '$1');
}

export interface SplitPattern {
  /** The folders before the first wildcard, unescaped; empty if the pattern begins with one. */
  folder: string;
  /** The rest. */
  pattern: string;
  /** The last name in the pattern contains a wildcard. */
  open: boolean;
}

/** Separates the literal folder at the start of a pattern, which no matching may change. */
export function splitPattern(pattern: string): SplitPattern {
  const names = pattern.split('/');
  // The last name is matched, also before the slash at the end of a pattern for folders.
  const last = names.findLastIndex((name) => name !== '');
  const wild = names.findIndex(hasWildcard);
  const cut = Math.max(0, wild < 0 ? last : Math.min(wild, last));
  const folder = unescapeGlob(names.slice(0, cut).join('/'));
  return {
    folder: folder === '' && cut > 0 ? '/' : folder,
    pattern: names.slice(cut).join('/'),
    open: hasWildcard(names[last] ?? ''),
  };
}

function hasWildcard(name: string): boolean {
  const plain = name.replace(/\\./g, '');
  return /[*?]|\[.*\]|\{.*(,|\.\.).*\}|[!@+]?\(.*\)/.test(plain) || plain.startsWith('!');
}
