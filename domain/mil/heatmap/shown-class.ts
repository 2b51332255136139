import { SamMilError } from '../../errors.js';

/**
 * What a heatmap shows of each patch: its contribution to the slide's result, or the probability of one
 * class.
 */
export type HeatmapScore = 'attention' | 'class-probability';

/**
 * Selects the class whose probability is shown: the requested one, or the positive one, which is the last.
 * Undefined for attention.
 *
 * @throws SamMilError InvalidInput where the model has no such class, or where a class is requested for
 *   attention
 */
export function shownClass(
  { score, class: requested }: { score: HeatmapScore; class?: string },
  classes: readonly string[],
): string | undefined {
  if (score === 'attention') {
    if (requested === undefined) return undefined;
    throw new SamMilError('InvalidInput', '`class` has no effect with `score: attention`', {
      expected: '`class` only with `score: class-probability`',
      found: requested,
      next: 'remove it, or set `score: class-probability`',
    });
  }
  if (classes.length === 0) {
    throw new SamMilError('InvalidInput', '`score: class-probability` needs a model of classes', {
      expected: 'a checkpoint of a classification',
      found: 'a checkpoint of survival or regression',
      next: 'set `score: attention`',
    });
  }
  const shown = requested ?? classes[classes.length - 1];
  if (classes.includes(shown)) return shown;
  throw new SamMilError('InvalidInput', `the model has no class "${shown}"`, {
    expected: `one of ${classes.join(', ')}`,
    next: 'set `class` to one of them, or remove it to show the positive class',
  });
}
