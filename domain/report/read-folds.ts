import { SamMilError } from '../errors.js';
import type { ItemRecord } from '../job.js';
import { delongPair } from '../mil/delong.js';
import type { Prediction } from '../mil/evaluate-predictions.js';
import { readMetricsFile, type MetricsFile } from '../mil/metrics-file.js';
import { auc } from '../mil/metrics.js';
import { readPredictions } from '../mil/predictions-file.js';
import { rocCurve } from '../mil/roc.js';
import { outputFile } from './output-refs.js';
import type { Comparison, FoldResult } from './report-data.js';

/** A fold with the predictions its numbers come from. */
export interface ReadFold extends FoldResult {
  predictions: Prediction[];
}

/**
 * Reads the metrics and predictions of every finished evaluation, and makes sure that they belong together.
 * @param groupBy item fields whose values, joined, name the group; a field an item lacks is looked up in the metrics file
 * @throws SamMilError InvalidInput when a file was changed, or predictions do not give the AUC that the metrics state
 */
export async function readFolds(
  items: readonly ItemRecord[],
  groupBy: readonly string[],
  work: string,
): Promise<ReadFold[]> {
  const folds: ReadFold[] = [];
  for (const item of items) {
    if (item.status !== 'done') continue;
    const [metricsRef, predictionsRef] = [
      await outputFile(item, 'metrics', work),
      await outputFile(item, 'predictions', work),
    ];
    const metrics = readMetricsFile(metricsRef.absolute);
    const predictions = readPredictions(predictionsRef.absolute, metrics.classes);
    if (metrics.sources.predictions !== predictionsRef.digest)
      throw mismatch(predictionsRef.absolute, metricsRef.path);
    folds.push({
      group: groupOf(item, metrics, groupBy),
      metrics,
      roc: rocOf(predictions, metrics, predictionsRef.absolute, metricsRef.path),
      files: {
        metrics: { path: metricsRef.path, digest: metricsRef.digest },
        predictions: { path: predictionsRef.path, digest: predictionsRef.digest },
      },
      predictions,
    });
  }
  const place = ({ metrics }: ReadFold) => metrics.repeat * 1e6 + metrics.fold;
  const order = new Map([...new Set(folds.map(({ group }) => group))].map((group, i) => [group, i]));
  return folds.sort((a, b) => order.get(a.group)! - order.get(b.group)! || place(a) - place(b));
}

function groupOf(item: ItemRecord, metrics: MetricsFile, groupBy: readonly string[]): string {
  const known = metrics as unknown as Record<string, unknown>;
  const values = groupBy.map((field) => item.fields[field] ?? known[field]);
  const named = values.map((value, i) =>
    typeof value === 'boolean' ? `${groupBy[i]} ${value ? 'on' : 'off'}` : value,
  );
  return named
    .map((value) =>
      value === undefined ? 'unknown' : typeof value === 'string' ? value : JSON.stringify(value),
    )
    .join(' · ');
}

/** The curve of the fold; also the check that the metrics were reckoned from these very predictions. */
function rocOf(predictions: readonly Prediction[], metrics: MetricsFile, file: string, metricsPath: string) {
  if (metrics.classes.length !== 2 || metrics.rank.auc === null) return null;
  const scores = predictions.map(({ probabilities }) => probabilities[1]);
  const labels = predictions.map(({ label }) => label);
  if (Math.abs(auc(scores, labels) - metrics.rank.auc) > 1e-9) throw mismatch(file, metricsPath);
  return rocCurve(scores, labels);
}

function mismatch(file: string, metricsPath: string): SamMilError {
  return new SamMilError('InvalidInput', 'predictions and metrics do not belong together', {
    file,
    expected: `the predictions that ${metricsPath} was reckoned from`,
    next: 'run the evaluation again',
  });
}

/**
 * Paired DeLong tests between groups on the same slides, a test a repeat, over the out-of-fold predictions of all folds of that repeat.
 * Groups that did not score the very same slides are not compared.
 * @param pairs `first`: each group with the first one; `all`: every pair; `none`
 */
export function compareGroups(folds: readonly ReadFold[], pairs: 'first' | 'all' | 'none'): Comparison[] {
  const groups = [...new Set(folds.map(({ group }) => group))];
  const wanted = groups.flatMap((b, j) => groups.slice(0, j).map((a, i) => ({ a, b, i })));
  const chosen = wanted.filter(({ i }) => pairs === 'all' || (pairs === 'first' && i === 0));
  const repeats = [...new Set(folds.map(({ metrics }) => metrics.repeat))].sort((x, y) => x - y);
  return chosen.flatMap(({ a, b }) => repeats.flatMap((repeat) => compare(folds, a, b, repeat)));
}

function compare(folds: readonly ReadFold[], a: string, b: string, repeat: number): Comparison[] {
  const [first, second] = [a, b].map((group) => outOfFold(folds, group, repeat));
  if (first === undefined || second === undefined || first.length !== second.length) return [];
  if (first.some(({ key }, i) => key !== second[i].key)) return [];
  const labels = first.map(({ label }) => label);
  const positives = labels.filter((label) => label === 1).length;
  if (positives < 2 || labels.length - positives < 2) return [];
  const scores = (list: readonly Prediction[]) => list.map(({ probabilities }) => probabilities[1]);
  return [{ a, b, repeat, slides: labels.length, result: delongPair(scores(first), scores(second), labels) }];
}

/** Predictions of all folds of a repeat by slide; undefined with more than two classes, or where a slide was scored twice. */
function outOfFold(folds: readonly ReadFold[], group: string, repeat: number): Prediction[] | undefined {
  const members = folds.filter((fold) => fold.group === group && fold.metrics.repeat === repeat);
  if (members.some(({ metrics }) => metrics.classes.length !== 2)) return undefined;
  const all = members.flatMap(({ predictions }) => predictions).sort((x, y) => (x.key < y.key ? -1 : 1));
  return all.some(({ key }, i) => i > 0 && key === all[i - 1].key) ? undefined : all;
}
