import { canonicalJson } from '../../../json.js';
import { thresholdedMetrics } from '../../../statistics/confusion.js';
import { delongAuc, delongPairOverRepeats } from '../../../statistics/delong.js';
import { mcnemarExact } from '../../../statistics/mcnemar.js';
import { holm } from '../../../statistics/holm.js';
import type { MetricsFile } from '../../../mil/evaluate/metrics-file.js';
import type { Prediction } from '../../../mil/evaluate/evaluate-predictions.js';
import { oneVersusRestAuc } from '../../../statistics/classes/class-ranking.js';
import { auc } from '../../../statistics/ranking.js';
import { strataOf } from '../../../statistics/bootstrap.js';
import { meanOfDefined, type Estimate } from '../../../statistics/estimate.js';
import type { Comparison, PairTest, PooledResult, ReadFold } from './report-data.js';
import { pairedBootstrap } from './pooled-outcomes.js';
import { poolClasses, slidesOf } from './pooled-classes.js';
import { computeSpread } from './summary.js';

/** Scores of one fold and the group that it belongs to. */
export interface ScoredFold {
  group: string;
  metrics: Pick<MetricsFile, 'repeat' | 'classes'>;
  predictions: Prediction[];
}

/**
 * Computes the AUC and accuracy (at 0.5) of each group over the pooled out-of-fold scores of a repeat, then
 * their mean and std over the repeats; with more than two classes, every metric. Small data sets are compared
 * this way because the AUC of a fold with ten slides is unreliable. Groups with a slide that was scored twice
 * in a repeat, or with different classes, are omitted.
 */
export function poolGroups(folds: readonly ReadFold[]): PooledResult[] {
  const groups = [...new Set(folds.map(({ group }) => group))];
  return groups.flatMap((group): PooledResult[] => {
    const members = folds.filter((fold) => fold.group === group);
    const repeats = listRepeats(members);
    const pooled = repeats.flatMap((repeat) => {
      const predictions = poolRepeat(folds, group, repeat);
      return predictions === undefined ? [] : [predictions];
    });
    const [{ classes }] = members.map(({ metrics }) => metrics);
    const same = members.every(({ metrics }) => metrics.classes.join('\n') === classes.join('\n'));
    if (pooled.length < repeats.length || !same) return [];
    return [classes.length > 2 ? poolSeveral(members, repeats, pooled) : poolTwo(group, repeats, pooled)];
  });
}

function poolTwo(group: string, repeats: readonly number[], pooled: readonly Prediction[][]): PooledResult {
  const scored = pooled.map((predictions) => ({
    scores: positiveScores(predictions),
    labels: predictions.map(({ label }) => label),
  }));
  const areas = scored.map(({ scores, labels }) => auc(scores, labels));
  return {
    group,
    auc: computeSpread(areas.map((area) => (Number.isNaN(area) ? null : area))),
    accuracy_at_half: computeSpread(
      scored.map(({ scores, labels }) => thresholdedMetrics(scores, labels, 0.5).accuracy),
    ),
    repeats: repeats.map((repeat, i) => ({
      repeat,
      auc: Number.isNaN(areas[i]) ? null : areas[i],
      delong_95: delongInterval(scored[i].scores, scored[i].labels),
    })),
  };
}

/** The intervals have as many replicates as those of the folds. */
function poolSeveral(
  members: readonly ReadFold[],
  repeats: readonly number[],
  pooled: readonly Prediction[][],
): PooledResult {
  const [{ group, metrics }] = members;
  const { classes, seed } = metrics;
  const scale = { classes, ordered: members.every((fold) => fold.metrics.several?.ordered === true) };
  const replicates = Math.max(...members.map((fold) => fold.metrics.intervals.bootstrap_replicates ?? 0));
  const several = poolClasses(pooled, scale, replicates, [seed, 'bootstrap', 'pooled']);
  const areas = pooled.map((predictions) => macroAuc(predictions, classes.length).value);
  return {
    group,
    auc: several.overall.auc.spread,
    accuracy_at_half: null,
    repeats: repeats.map((repeat, i) => ({ repeat, auc: areas[i], delong_95: null })),
    several,
  };
}

function macroAuc(predictions: readonly Prediction[], classes: number): Estimate {
  const probabilities = predictions.map((prediction) => prediction.probabilities);
  const labels = predictions.map(({ label }) => label);
  return oneVersusRestAuc({ probabilities, labels, classes }).macro;
}

function delongInterval(scores: readonly number[], labels: readonly number[]): [number, number] | null {
  const positives = labels.filter((label) => label === 1).length;
  if (Math.min(positives, labels.length - positives) < 2) return null;
  const { sd, wald95 } = delongAuc(scores, labels);
  return sd > 0 ? [wald95[0], wald95[1]] : null;
}

/**
 * Paired tests between groups on the same slides: one per pair, of the mean over the repeats of the AUC of
 * the pooled out-of-fold predictions; DeLong's for two classes, a bootstrap for more. Groups that did not
 * score the same slides are not compared.
 * @param pairs `first`: each group with the first group; `all`: every pair; `none`
 * @param by the only field that may differ within a pair; with `first`, each group is compared with the first
 * group that has the same other fields
 */
export function compareGroups(
  folds: readonly ReadFold[],
  pairs: 'first' | 'all' | 'none',
  by?: string,
): Comparison[] {
  const tests = listPairs(folds, pairs, by).flatMap(({ a, b }) =>
    comparePair(folds, a, b).concat(compareMacroAuc(folds, a, b)),
  );
  // Equal ranks are no evidence of a difference.
  const corrected = holm(tests.map(({ result }) => (Number.isNaN(result.pTwoSided) ? 1 : result.pTwoSided)));
  return tests.map((test, i) => ({ ...test, pHolm: corrected[i] }));
}

/**
 * Lists the groups to compare.
 * @param pairs `first`: each group with the first group; `all`: every pair; `none`
 * @param by the only field that may differ within a pair
 */
export function listPairs(
  folds: readonly Pick<ReadFold, 'group' | 'values'>[],
  pairs: 'first' | 'all' | 'none',
  by?: string,
): { a: string; b: string }[] {
  const families = new Map<string, Set<string>>();
  for (const { group, values } of folds) {
    const name = by === undefined ? '' : canonicalJson({ ...values, [by]: null });
    families.set(name, (families.get(name) ?? new Set()).add(group));
  }
  const candidates = [...families.values()].flatMap((family) => {
    const groups = [...family];
    return groups.flatMap((b, j) => groups.slice(0, j).map((a, i) => ({ a, b, i })));
  });
  return candidates.filter(({ i }) => pairs === 'all' || (pairs === 'first' && i === 0));
}

/** How two groups called the same slides. */
export interface CallTest {
  repeats: number[];
  slides: number;
  /** Slides that only one of them called correctly. */
  onlyFirst: number;
  onlySecond: number;
  p: number;
}

/**
 * McNemar's exact test of the calls of two groups, for any number of classes. A slide counts once: the class
 * with the highest mean probability over the repeats is called. Undefined if they did not score the same
 * slides.
 */
export function compareCalls(folds: readonly ScoredFold[], a: string, b: string): CallTest | undefined {
  const shared = sharedRepeats(folds, a, b, poolRepeat);
  if (shared.length === 0) return undefined;
  const [first, second] = [shared.map((one) => one.first), shared.map((one) => one.second)].map(correctCalls);
  const only = (one: readonly boolean[], other: readonly boolean[]) =>
    one.filter((right, i) => right && !other[i]).length;
  const [onlyFirst, onlySecond] = [only(first, second), only(second, first)];
  const repeats = shared.map(({ repeat }) => repeat);
  return { repeats, slides: first.length, onlyFirst, onlySecond, p: mcnemarExact(onlyFirst, onlySecond) };
}

/** Whether each slide is called correctly. All repeats have the same slides in the same order. */
function correctCalls(repeats: readonly Prediction[][]): boolean[] {
  return repeats[0].map(({ label, probabilities }, i) => {
    const sums = probabilities.map((_, k) =>
      repeats.reduce((sum, slides) => sum + slides[i].probabilities[k], 0),
    );
    return sums.indexOf(Math.max(...sums)) === label;
  });
}

/** One test over all repeats in which both groups scored the same slides; none if there is no such repeat. */
export function comparePair(folds: readonly ScoredFold[], a: string, b: string): PairTest[] {
  const most = sharedRepeats(folds, a, b, outOfFold);
  if (most.length === 0) return [];
  const labels = most[0].first.map(({ label }) => label);
  const positives = labels.filter((label) => label === 1).length;
  if (positives < 2 || labels.length - positives < 2) return [];
  const result = delongPairOverRepeats(
    most.map(({ first }) => positiveScores(first)),
    most.map(({ second }) => positiveScores(second)),
    labels,
  );
  const repeats = most.map(({ repeat }) => repeat);
  return [{ method: 'DeLong', a, b, repeats, slides: labels.length, result }];
}

/** As {@link comparePair} for more than two classes: paired bootstrap of the difference of the macro AUC. */
function compareMacroAuc(folds: readonly ReadFold[], a: string, b: string): PairTest[] {
  const own = folds.filter(({ group }) => group === a || group === b);
  const [{ metrics }] = own;
  const same = own.every((fold) => fold.metrics.classes.join('\n') === metrics.classes.join('\n'));
  const shared = same && metrics.classes.length > 2 ? sharedRepeats(folds, a, b, poolRepeat) : [];
  const replicates = Math.max(...own.map((fold) => fold.metrics.intervals.bootstrap_replicates ?? 0));
  if (shared.length === 0 || replicates === 0) return [];
  const labels = shared[0].first.map(({ label }) => label);
  const mean = (side: 'first' | 'second', slides: ArrayLike<number>) =>
    meanOfDefined(
      shared.map((repeat) => {
        const drawn = Array.from(slides, (slide) => repeat[side][slide]);
        return macroAuc(drawn, metrics.classes.length);
      }),
      '',
    ).value;
  const sides = (slides: ArrayLike<number>) => [mean('first', slides), mean('second', slides)] as const;
  const [aucA, aucB] = sides(labels.map((_, slide) => slide));
  const names = [metrics.seed, 'bootstrap', 'difference'];
  const tested = pairedBootstrap(strataOf(labels), replicates, names, sides);
  if (aucA === null || aucB === null || tested === undefined) return [];
  const { low, high } = tested.interval;
  const result = { aucA, aucB, difference: aucA - aucB, z: NaN, pTwoSided: tested.p };
  const repeats = shared.map(({ repeat }) => repeat);
  return [
    {
      ...{ method: 'bootstrap', a, b, repeats, slides: labels.length },
      result: { ...result, difference95: [low, high] },
    },
  ];
}

interface SharedRepeat {
  repeat: number;
  first: Prediction[];
  second: Prediction[];
}

/**
 * The repeats in which both groups scored the same slides. A repeat in which a fold failed has fewer slides;
 * a test needs the same ones in every repeat.
 */
function sharedRepeats(
  folds: readonly ScoredFold[],
  a: string,
  b: string,
  pool: typeof poolRepeat,
): SharedRepeat[] {
  const bySlides = new Map<string, SharedRepeat[]>();
  for (const repeat of listRepeats(folds)) {
    const [first, second] = [a, b].map((group) => pool(folds, group, repeat));
    if (first === undefined || second === undefined) continue;
    const slides = slidesOf(first);
    if (slides === slidesOf(second))
      bySlides.set(slides, [...(bySlides.get(slides) ?? []), { repeat, first, second }]);
  }
  const [most = []] = [...bySlides.values()].sort(
    (x, y) => y.length * y[0].first.length - x.length * x[0].first.length,
  );
  return most;
}

/** {@link poolRepeat} for two classes; undefined with more. */
function outOfFold(folds: readonly ScoredFold[], group: string, repeat: number): Prediction[] | undefined {
  const pooled = poolRepeat(folds, group, repeat);
  return pooled?.some(({ probabilities }) => probabilities.length !== 2) === true ? undefined : pooled;
}

/** Pools the predictions of all folds of a repeat, sorted by slide; undefined if a slide was scored twice. */
function poolRepeat(folds: readonly ScoredFold[], group: string, repeat: number): Prediction[] | undefined {
  const members = folds.filter((fold) => fold.group === group && fold.metrics.repeat === repeat);
  if (members.length === 0) return undefined;
  const all = members.flatMap(({ predictions }) => predictions).sort((x, y) => (x.key < y.key ? -1 : 1));
  return all.some(({ key }, i) => i > 0 && key === all[i - 1].key) ? undefined : all;
}

function listRepeats(folds: readonly ScoredFold[]): number[] {
  return [...new Set(folds.map(({ metrics }) => metrics.repeat))].sort((x, y) => x - y);
}

function positiveScores(predictions: readonly Prediction[]): number[] {
  return predictions.map(({ probabilities }) => probabilities[1]);
}
