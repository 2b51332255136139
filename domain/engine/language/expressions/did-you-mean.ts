/**
 * Words are compared up to this length: names are short, and the cost grows with the square of the length.
 */
const MAX_COMPARED = 64;

/**
 * Returns the candidate with the fewest edits from `word` (insert, delete, replace, swap of neighbors; case
 * ignored), at most about a third of the word's length; undefined if there is none.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.floor((Math.min(word.length, MAX_COMPARED) + 1) / 3);
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * Returns "did you mean `x`?", or the list of valid names if none is close; undefined if there are no
 * candidates.
 */
export function suggest(
  word: string,
  candidates: readonly string[],
  noun = 'valid values',
): string | undefined {
  const match = related(word, candidates);
  if (match !== undefined) return `did you mean \`${match}\`?`;
  return candidates.length === 0 ? undefined : `${noun}: ${listed(candidates)}`;
}

/**
 * Returns the {@link nearest} candidate, or the only one that begins with the word or that the word begins
 * with, or that is the word after a dot (`mil.split` for `split`); undefined if there is none.
 */
export function related(word: string, candidates: readonly string[]): string | undefined {
  return (
    nearest(word, candidates) ?? onlyLonger(word.toLowerCase(), candidates) ?? withParts(word, candidates)
  );
}

function onlyLonger(word: string, candidates: readonly string[]): string | undefined {
  if (word.length < 3) return undefined;
  const found = candidates.filter((candidate) => {
    const own = candidate.toLowerCase();
    return own.startsWith(word) || own.endsWith(`.${word}`) || (own.length > 2 && word.startsWith(own));
  });
  return found.length === 1 ? found[0] : undefined;
}

/**
 * The only candidate that contains all hyphenated parts of the word (`patch-size-level0` for `patch-size`),
 * otherwise the only one with the same first part.
 */
function withParts(word: string, candidates: readonly string[]): string | undefined {
  const parts = word.toLowerCase().split('-');
  const holding = candidates.filter((candidate) => {
    const own = candidate.split('-');
    return parts.every((part) => own.includes(part));
  });
  const found = holding.length > 0 ? holding : candidates.filter((name) => name.split('-')[0] === parts[0]);
  return found.length === 1 ? found[0] : undefined;
}

const MAX_SHOWN = 20;

/** Joins names with commas. Names after the first {@link MAX_SHOWN} are only counted. */
export function listed(names: readonly string[]): string {
  const rest = names.length - MAX_SHOWN;
  return rest > 0 ? `${names.slice(0, MAX_SHOWN).join(', ')} and ${rest} more` : names.join(', ');
}

/** Optimal string alignment distance (Damerau-Levenshtein without overlapping swaps). */
export function editDistance(left: string, right: string): number {
  const a = left.slice(0, MAX_COMPARED);
  const b = right.slice(0, MAX_COMPARED);
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(replaced, previous[j] + 1, row[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, before[j - 2] + 1);
      }
      row.push(cost);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length];
}
