import { canonicalJson } from '../../json.js';
import type { MetricsFile } from '../../mil/evaluate/metrics-file.js';
import { thresholdedMetrics } from '../../statistics/confusion.js';
import { delongAuc, delongPair } from '../../statistics/delong.js';
import type { Prediction } from '../../mil/evaluate/evaluate-predictions.js';
import { auc } from '../../statistics/ranking.js';
import type { ReadFold } from './read-folds.js';
import type { Comparison, PooledResult } from './report-data.js';
import { computeSpread } from './summary.js';

/** Scores of one fold and the group that it belongs to. */
export interface ScoredFold {
  group: string;
  metrics: Pick<MetricsFile, 'repeat' | 'classes'>;
  predictions: Prediction[];
}

/**
 * Computes the AUC and accuracy (at 0.5) of each group over the pooled out-of-fold scores of a repeat, then
 * their mean and std over the repeats. Small data sets are compared this way because the AUC of a fold with
 * ten slides is unreliable. Groups with more than two classes, or with a slide that was scored twice, are
 * omitted.
 */
export function poolGroups(folds: readonly ReadFold[]): PooledResult[] {
  const groups = [...new Set(folds.map(({ group }) => group))];
  return groups.flatMap((group) => {
    const repeats = listRepeats(folds.filter((fold) => fold.group === group));
    const all = repeats.map((repeat) => outOfFold(folds, group, repeat));
    if (all.some((predictions) => predictions === undefined)) return [];
    const scored = all.map((predictions) => ({
      scores: positiveScores(predictions!),
      labels: predictions!.map(({ label }) => label),
    }));
    const areas = scored.map(({ scores, labels }) => auc(scores, labels));
    return [
      {
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
      },
    ];
  });
}

function delongInterval(scores: readonly number[], labels: readonly number[]): [number, number] | null {
  const positives = labels.filter((label) => label === 1).length;
  if (Math.min(positives, labels.length - positives) < 2) return null;
  const { sd, wald95 } = delongAuc(scores, labels);
  return sd > 0 ? [wald95[0], wald95[1]] : null;
}

/**
 * Paired DeLong tests between groups on the same slides: one test per repeat, over the out-of-fold
 * predictions of all its folds. Groups that did not score the same slides are not compared.
 * @param pairs `first`: each group with the first group; `all`: every pair; `none`
 * @param by the only field that may differ within a pair; with `first`, each group is compared with the first
 * group that has the same other fields
 */
export function compareGroups(
  folds: readonly ReadFold[],
  pairs: 'first' | 'all' | 'none',
  by?: string,
): Comparison[] {
  const families = new Map<string, Set<string>>();
  for (const { group, values } of folds) {
    const name = by === undefined ? '' : canonicalJson({ ...values, [by]: null });
    families.set(name, (families.get(name) ?? new Set()).add(group));
  }
  const candidates = [...families.values()].flatMap((family) => {
    const groups = [...family];
    return groups.flatMap((b, j) => groups.slice(0, j).map((a, i) => ({ a, b, i })));
  });
  const chosen = candidates.filter(({ i }) => pairs === 'all' || (pairs === 'first' && i === 0));
  return chosen.flatMap(({ a, b }) => comparePair(folds, a, b));
}

/** One test per repeat in which both groups scored the same slides. */
export function comparePair(folds: readonly ScoredFold[], a: string, b: string): Comparison[] {
  return listRepeats(folds).flatMap((repeat) => compare(folds, a, b, repeat));
}

function compare(folds: readonly ScoredFold[], a: string, b: string, repeat: number): Comparison[] {
  const [first, second] = [a, b].map((group) => outOfFold(folds, group, repeat));
  if (first === undefined || second === undefined || first.length !== second.length) return [];
  if (first.some(({ key }, i) => key !== second[i].key)) return [];
  const labels = first.map(({ label }) => label);
  const positives = labels.filter((label) => label === 1).length;
  if (positives < 2 || labels.length - positives < 2) return [];
  return [
    {
      a,
      b,
      repeat,
      slides: labels.length,
      result: delongPair(positiveScores(first), positiveScores(second), labels),
    },
  ];
}

/**
 * Pools the predictions of all folds of a repeat, sorted by slide; undefined with more than two classes or if
 * a slide was scored twice.
 */
function outOfFold(folds: readonly ScoredFold[], group: string, repeat: number): Prediction[] | undefined {
  const members = folds.filter((fold) => fold.group === group && fold.metrics.repeat === repeat);
  if (members.some(({ metrics }) => metrics.classes.length !== 2)) return undefined;
  const all = members.flatMap(({ predictions }) => predictions).sort((x, y) => (x.key < y.key ? -1 : 1));
  return all.some(({ key }, i) => i > 0 && key === all[i - 1].key) ? undefined : all;
}

function listRepeats(folds: readonly ScoredFold[]): number[] {
  return [...new Set(folds.map(({ metrics }) => metrics.repeat))].sort((x, y) => x - y);
}

function positiveScores(predictions: readonly Prediction[]): number[] {
  return predictions.map(({ probabilities }) => probabilities[1]);
}
