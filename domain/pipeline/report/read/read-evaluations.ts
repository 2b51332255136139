import { SamMilError } from '../../../errors.js';
import type { ItemRecord } from '../../../job.js';
import type { Json, JsonObject } from '../../../json.js';
import {
  readRegressionPredictions,
  readSurvivalPredictions,
} from '../../../mil/cohort/endpoint-predictions.js';
import { readMetricsFile, type AnyMetricsFile } from '../../../mil/evaluate/read-metrics-file.js';
import { outputFile } from '../../output-refs.js';
import { groupName } from '../data/group-name.js';
import type { RegressionFold, SurvivalFold } from '../data/endpoint-results.js';
import type { EvaluatedFold } from '../data/evaluated-fold.js';
import type { ReadFold } from '../data/report-data.js';
import { classificationFold } from './classification-fold.js';

/** An evaluation with the predictions that its metrics were computed from. */
export type ReadEvaluation = ReadFold | SurvivalFold | RegressionFold;

/**
 * Reads the metrics and predictions of every finished evaluation and checks that they belong together.
 * @param groupBy item fields whose joined values name the group; a field that an item lacks is read from the
 * metrics file
 * @throws SamMilError InvalidInput when a file was changed, or the predictions do not reproduce the AUC in
 * the metrics file
 */
export async function readEvaluations(
  items: readonly ItemRecord[],
  groupBy: readonly string[],
  work: string,
  swept: readonly string[] = [],
): Promise<ReadEvaluation[]> {
  const folds: ReadEvaluation[] = [];
  for (const item of items) {
    if (item.status !== 'done') continue;
    const [metricsRef, predictionsRef] = [
      await outputFile(item, 'metrics', work),
      await outputFile(item, 'predictions', work),
    ];
    const paths = { metrics: metricsRef.absolute, predictions: predictionsRef.absolute };
    const files = {
      metrics: { path: metricsRef.path, digest: metricsRef.digest },
      predictions: { path: predictionsRef.path, digest: predictionsRef.digest },
    };
    const fold = readEvaluation({ group: '', values: {}, fields: item.fields, files }, paths);
    const values = readValues(item, fold.metrics, [...groupBy, ...swept]);
    folds.push({ ...fold, values, group: groupName(values, groupBy) });
  }
  return sortFolds(folds, groupBy);
}

/**
 * Reads an evaluation of any endpoint.
 * @param paths of its files
 * @throws SamMilError InvalidInput if they do not belong together
 */
export function readEvaluation(
  fold: Omit<EvaluatedFold, 'metrics'>,
  paths: Record<'metrics' | 'predictions', string>,
): ReadEvaluation {
  const [file, metrics] = [paths.predictions, readMetricsFile(paths.metrics)];
  const wrong = mismatch(file, fold.files.metrics.path);
  if (metrics.sources.predictions !== fold.files.predictions.digest) throw wrong;
  const named = <Row extends { key: string; patient?: string }>(rows: readonly Row[]) =>
    rows.map((row) => ({ ...row, patient: row.patient ?? row.key }));
  if (metrics.endpoint === 'survival') {
    const threshold = metrics.risk_groups?.threshold ?? null;
    const outcomes = named(readSurvivalPredictions(file)).map((row) => ({ ...row, threshold }));
    if (outcomes.length !== metrics.slides) throw wrong;
    return { ...fold, metrics, outcomes };
  }
  if (metrics.endpoint === 'regression') {
    const outcomes = named(readRegressionPredictions(file));
    if (outcomes.length !== metrics.slides) throw wrong;
    return { ...fold, metrics, outcomes };
  }
  const classified = classificationFold(metrics, file);
  if (classified === undefined) throw wrong;
  return { ...fold, ...classified };
}

/** The evaluations of each endpoint. */
export function sortByEndpoint(folds: readonly ReadEvaluation[]): {
  classified: ReadFold[];
  survival: SurvivalFold[];
  regression: RegressionFold[];
} {
  const of = <Fold extends ReadEvaluation>(is: (fold: ReadEvaluation) => fold is Fold) => folds.filter(is);
  return {
    classified: of((fold): fold is ReadFold => fold.metrics.endpoint === 'classification'),
    survival: of((fold): fold is SurvivalFold => fold.metrics.endpoint === 'survival'),
    regression: of((fold): fold is RegressionFold => fold.metrics.endpoint === 'regression'),
  };
}

/** Groups folds by further fields of their items. */
export function splitGroups(
  folds: readonly ReadEvaluation[],
  groupBy: readonly string[],
  axes: readonly string[],
): ReadEvaluation[] {
  const fields = [...groupBy, ...axes];
  const split = folds.map((fold) => {
    const added = axes.filter((axis) => fold.fields[axis] !== undefined);
    const values = { ...fold.values, ...Object.fromEntries(added.map((axis) => [axis, fold.fields[axis]])) };
    return { ...fold, values, group: groupName(values, fields) };
  });
  return sortFolds(split, fields);
}

function sortFolds(folds: ReadEvaluation[], groupBy: readonly string[]): ReadEvaluation[] {
  const place = ({ metrics }: ReadEvaluation) => metrics.repeat * 1e6 + metrics.fold;
  const compare = groupOrder(folds, groupBy);
  return folds.sort((a, b) => compare(a, b) || place(a) - place(b));
}

/**
 * Compares field by field: numbers by size, other values in order of first appearance, missing values last.
 */
function groupOrder(
  folds: readonly ReadEvaluation[],
  groupBy: readonly string[],
): (a: ReadEvaluation, b: ReadEvaluation) => number {
  const seen = groupBy.map((field) => [...new Set(folds.map(({ values }) => values[field]))]);
  const rank = (value: Json | undefined, i: number) =>
    value === undefined ? Infinity : typeof value === 'number' ? value : seen[i].indexOf(value);
  const byField = (a: ReadEvaluation, b: ReadEvaluation, i: number) => {
    const [x, y] = [rank(a.values[groupBy[i]], i), rank(b.values[groupBy[i]], i)];
    return x === y ? 0 : x - y;
  };
  return (a, b) => {
    for (let i = 0; i < groupBy.length; i++) {
      const difference = byField(a, b, i);
      if (difference !== 0) return difference;
    }
    return 0;
  };
}

/** Reads each field from the item or, if the item lacks it, from the metrics file. */
function readValues(item: ItemRecord, metrics: AnyMetricsFile, fields: readonly string[]): JsonObject {
  const known = metrics as unknown as JsonObject;
  const found = fields.map((field): [string, Json | undefined] => [
    field,
    item.fields[field] ?? known[field],
  ]);
  return Object.fromEntries(found.flatMap(([field, value]) => (value === undefined ? [] : [[field, value]])));
}

function mismatch(file: string, metricsPath: string): SamMilError {
  return new SamMilError('InvalidInput', 'the predictions and the metrics do not belong together', {
    file,
    expected: `the predictions that ${metricsPath} was computed from`,
    next: 'run the evaluation again',
  });
}
