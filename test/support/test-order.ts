import { readFileSync } from 'node:fs';

/** Helpers of tests that start servers, workers, commands or whole pipelines. */
const LONG = /support\/(cli|command-line|engine|operator|packed|processes|server)\.js|run-shipped\.js/;

/**
 * Sorts test files so that a slow one does not run alone at the end: those that start processes come first,
 * because they last longest, each group by name.
 * @param paths of compiled test files
 */
export function longestFirst(paths: readonly string[]): string[] {
  const sorted = [...paths].sort();
  const long = new Set(sorted.filter((path) => LONG.test(readFileSync(path, 'utf8'))));
  return [...sorted.filter((path) => long.has(path)), ...sorted.filter((path) => !long.has(path))];
}
