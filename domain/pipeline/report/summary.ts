import type { CalledMetrics, Protocol, RankMetrics } from '../../mil/evaluate/evaluate-predictions.js';
import type { MetricsFile } from '../../mil/evaluate/metrics-file.js';

/** Names of the numbers a summary has, in the order of the tables. */
export const METRIC_NAMES = [
  'auc',
  'f1',
  'accuracy',
  'balanced_accuracy',
  'recall',
  'specificity',
  'precision',
  'average_precision',
  'brier',
  'log_loss',
  'expected_calibration_error',
] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

/** Mean and standard deviation (ddof 0, as published) of `n` numbers. Not defined ones are left out and counted. */
export interface Spread {
  mean: number;
  std: number;
  n: number;
  undefined: number;
}

/** One metric both ways. Always say which: the spread over folds is wider than the one over repeats. */
export interface MetricSummary {
  /** Over the means of the repeats (each the mean of its folds). */
  repeats: Spread | null;
  /** Over all folds of all repeats. */
  folds: Spread | null;
}

/** One line of the metrics table: a model, or whatever the runs are grouped by. */
export interface SummaryRow {
  group: string;
  repeats: number;
  folds: number;
  /** Scored slides, all folds together. */
  slides: number;
  /** The protocol that was asked for. */
  protocol: Protocol;
  /** Some epoch was chosen on the very slides that are scored. */
  optimistic: boolean;
  protocols: Record<Protocol, Record<MetricName, MetricSummary>>;
}

/** A metrics file and the group it counts to. */
export interface GroupedMetrics {
  group: string;
  metrics: MetricsFile;
}

const RANK_METRICS: readonly MetricName[] = [
  'auc',
  'average_precision',
  'brier',
  'log_loss',
  'expected_calibration_error',
];

/**
 * Metrics files to table rows, groups in order of first appearance. Pure, so that the terminal shows the very numbers of the report.
 */
export function summarize(files: readonly GroupedMetrics[]): SummaryRow[] {
  const groups = new Map<string, MetricsFile[]>();
  for (const { group, metrics } of files) groups.set(group, [...(groups.get(group) ?? []), metrics]);
  return [...groups].map(([group, members]) => ({
    group,
    repeats: new Set(members.map(({ repeat }) => repeat)).size,
    folds: members.length,
    slides: members.reduce((sum, { slides }) => sum + slides, 0),
    protocol: members[0].protocol,
    optimistic: members.some(({ selection }) => selection.optimistic),
    protocols: { honest: summarizeProtocol(members, 'honest'), paper: summarizeProtocol(members, 'paper') },
  }));
}

function summarizeProtocol(
  members: readonly MetricsFile[],
  protocol: Protocol,
): SummaryRow['protocols'][Protocol] {
  const entries = METRIC_NAMES.map((name) => {
    const byRepeat = new Map<number, (number | null)[]>();
    for (const file of members) {
      byRepeat.set(file.repeat, [...(byRepeat.get(file.repeat) ?? []), metricOf(file, protocol, name)]);
    }
    const means = [...byRepeat.values()].map((values) => spreadOf(values)?.mean ?? null);
    return [name, { repeats: spreadOf(means), folds: spreadOf([...byRepeat.values()].flat()) }] as const;
  });
  return Object.fromEntries(entries) as Record<MetricName, MetricSummary>;
}

/** One number of one fold; null where it is not defined. */
export function metricOf(file: MetricsFile, protocol: Protocol, name: MetricName): number | null {
  if (RANK_METRICS.includes(name)) return file.rank[name as keyof RankMetrics] as number | null;
  return file.protocols[protocol][name as keyof CalledMetrics] as number | null;
}

/** null when there is no number at all. */
export function spreadOf(values: readonly (number | null)[]): Spread | null {
  const numbers = values.filter((value) => value !== null);
  if (numbers.length === 0) return null;
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length;
  return { mean, std: Math.sqrt(variance), n: numbers.length, undefined: values.length - numbers.length };
}
