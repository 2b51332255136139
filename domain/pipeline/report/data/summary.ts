import { max, rollup, sum } from 'd3-array';
import type { CalledMetrics, Protocol, RankMetrics } from '../../../mil/evaluate/evaluate-predictions.js';
import { SEVERAL_METRICS, type SeveralMetric } from '../../../mil/evaluate/evaluate-classes.js';
import { CLASS_METRICS, type ClassMetric } from '../../../mil/evaluate/measure-classes.js';
import type { MetricsFile } from '../../../mil/evaluate/metrics-file.js';

/** Names of the metrics in a summary, in the order of the tables. */
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

/**
 * Mean and standard deviation (ddof 0, as published) of `n` numbers. Undefined values are excluded and
 * counted.
 */
export interface Spread {
  mean: number;
  std: number;
  n: number;
  undefined: number;
}

/** One metric over repeats and over folds. Always state which: the spread over folds is wider. */
export interface MetricSummary {
  /** Over the means of the repeats (each the mean of its folds). */
  repeats: Spread | null;
  /** Over all folds of all repeats. */
  folds: Spread | null;
}

/** One row of the metrics table: a model, or another group of evaluations. */
export interface SummaryRow {
  group: string;
  repeats: number;
  folds: number;
  /** Slides that a repeat scores, at most. */
  slides: number;
  /** The requested protocol. */
  protocol: Protocol;
  /** At least one epoch was selected on the scored slides. */
  optimistic: boolean;
  protocols: Record<Protocol, Record<MetricName, MetricSummary>>;
  /** Only with more than two classes. */
  several?: SeveralSummary;
}

/** What only more than two classes have; the most probable class is called under either protocol. */
export interface SeveralSummary {
  ordered: boolean;
  overall: Record<SeveralMetric, MetricSummary>;
  per_class: Record<string, Record<ClassMetric, MetricSummary>>;
}

/** A metrics file and the group it belongs to. */
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
 * Summarizes metrics files as table rows, with groups in order of first appearance. Pure, so that the
 * terminal shows the same numbers as the report.
 */
export function summarize(files: readonly GroupedMetrics[]): SummaryRow[] {
  const groups = new Map<string, MetricsFile[]>();
  for (const { group, metrics } of files) groups.set(group, [...(groups.get(group) ?? []), metrics]);
  return [...groups].map(([group, members]) => ({
    group,
    repeats: new Set(members.map(({ repeat }) => repeat)).size,
    folds: members.length,
    slides: slidesPerRepeat(members),
    protocol: members[0].protocol,
    optimistic: members.some(({ selection }) => selection.optimistic),
    protocols: { honest: summarizeProtocol(members, 'honest'), paper: summarizeProtocol(members, 'paper') },
    ...summarizeClasses(members),
  }));
}

/** Rows that a repeat scores, at most. */
export function slidesPerRepeat(members: readonly Pick<MetricsFile, 'repeat' | 'slides'>[]): number {
  const each = rollup(
    members,
    (folds) => sum(folds, ({ slides }) => slides),
    ({ repeat }) => repeat,
  );
  return max(each.values()) ?? 0;
}

function summarizeProtocol(
  members: readonly MetricsFile[],
  protocol: Protocol,
): SummaryRow['protocols'][Protocol] {
  return summarizeEach(members, METRIC_NAMES, (file, name) => readMetric(file, protocol, name));
}

/** Nothing with two classes, or if the classes differ between the folds. */
function summarizeClasses(members: readonly MetricsFile[]): { several?: SeveralSummary } {
  const [{ classes, several }] = members;
  if (several === undefined) return {};
  if (members.some((file) => file.classes.join('\n') !== classes.join('\n'))) return {};
  const perClass = classes.map((name) => [
    name,
    summarizeEach(members, CLASS_METRICS, (file, metric) => file.several?.per_class[name][metric] ?? null),
  ]);
  return {
    several: {
      ordered: members.every((file) => file.several?.ordered === true),
      overall: summarizeEach(members, SEVERAL_METRICS, (file, name) => file.several?.[name] ?? null),
      per_class: Object.fromEntries(perClass) as SeveralSummary['per_class'],
    },
  };
}

/** Each metric over the repeats and over all folds. */
export function summarizeEach<File extends Pick<MetricsFile, 'repeat'>, Name extends string>(
  members: readonly File[],
  names: readonly Name[],
  read: (file: File, name: Name) => number | null,
): Record<Name, MetricSummary> {
  const entries = names.map((name) => {
    const byRepeat = new Map<number, (number | null)[]>();
    for (const file of members) {
      byRepeat.set(file.repeat, [...(byRepeat.get(file.repeat) ?? []), read(file, name)]);
    }
    const means = [...byRepeat.values()].map((values) => computeSpread(values)?.mean ?? null);
    return [
      name,
      { repeats: computeSpread(means), folds: computeSpread([...byRepeat.values()].flat()) },
    ] as const;
  });
  return Object.fromEntries(entries) as Record<Name, MetricSummary>;
}

/** Reads one metric of one fold; null if it is undefined. */
export function readMetric(file: MetricsFile, protocol: Protocol, name: MetricName): number | null {
  if (RANK_METRICS.includes(name)) return file.rank[name as keyof RankMetrics] as number | null;
  return file.protocols[protocol][name as keyof CalledMetrics] as number | null;
}

/** Mean and standard deviation; null if there are no numbers. */
export function computeSpread(values: readonly (number | null)[]): Spread | null {
  const numbers = values.filter((value) => value !== null);
  if (numbers.length === 0) return null;
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length;
  return { mean, std: Math.sqrt(variance), n: numbers.length, undefined: values.length - numbers.length };
}

/**
 * The spread to show first: over the means of the repeats or, with a single repeat, whose spread would be 0,
 * over the folds.
 */
export function mainSpread({ repeats, folds }: MetricSummary): Spread | null {
  return repeats !== null && repeats.n > 1 ? repeats : folds;
}

/**
 * True if the epoch or the threshold was selected on the scored slides. More than two classes have no
 * threshold.
 */
export function isOptimistic({ optimistic, protocol, several }: SummaryRow): boolean {
  return optimistic || (protocol === 'paper' && several === undefined);
}
