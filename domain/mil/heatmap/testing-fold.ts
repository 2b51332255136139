import type { Splits } from '../split/splits.js';

/**
 * The fold whose test set contains this slide, so that its scores are not memorized. A slide without a label
 * is in no test set and uses the first fold. Undefined if there is no such repeat.
 */
export function testingFold({ repeats }: Splits, repeat: number, name: string): number | undefined {
  const folds = repeats.find((entry) => entry.repeat === repeat)?.folds ?? [];
  return (folds.find(({ test }) => test.includes(name)) ?? folds.at(0))?.fold;
}
