import { bootstrapRows, strataOf, type BootstrapInterval } from '../../../statistics/bootstrap.js';
import { meanOfDefined, type Estimate } from '../../../statistics/estimate.js';
import { holm } from '../../../statistics/holm.js';
import type { BootstrapTest } from './endpoint-results.js';
import { pooledMetric, type PooledMetric } from './pooled-metric.js';

/** What the pooled predictions of one endpoint are, and how they are scored. */
export interface Pooling<Row extends PatientRow, Metric extends string> {
  metrics: readonly Metric[];
  /** The metric that is tested. */
  main: { metric: Metric; of: (rows: readonly Row[]) => Estimate };
  /** Patients of one stratum are drawn together, such as those with an event. */
  stratum: (row: Row) => number;
  measure: (rows: readonly Row[]) => Record<Metric, Estimate>;
}

export interface PatientRow {
  key: string;
  patient: string;
}

/** The out-of-fold predictions of a group, by repeat. */
export interface PooledGroup<Row> {
  group: string;
  repeats: number[];
  /** One list per repeat, sorted by key. */
  pooled: Row[][];
}

/** A fold with its rows. */
interface RowsOfFold<Row> {
  group: string;
  metrics: { repeat: number };
  outcomes: readonly Row[];
}

/**
 * Pools the rows of all folds of each repeat.
 * @returns undefined if a row was scored twice in a repeat
 */
export function poolOutcomes<Row extends PatientRow>(
  folds: readonly RowsOfFold<Row>[],
  group: string,
): PooledGroup<Row> | undefined {
  const members = folds.filter((fold) => fold.group === group);
  const repeats = [...new Set(members.map(({ metrics }) => metrics.repeat))].sort((a, b) => a - b);
  const pooled = repeats.map((repeat) =>
    members
      .filter(({ metrics }) => metrics.repeat === repeat)
      .flatMap(({ outcomes }) => outcomes)
      .sort((a, b) => (a.key < b.key ? -1 : 1)),
  );
  const twice = pooled.some((rows) => rows.some(({ key }, i) => i > 0 && rows[i - 1].key === key));
  return twice ? undefined : { group, repeats, pooled };
}

/**
 * Scores each repeat. The intervals draw patients with all their slides, the same ones in all repeats.
 * @param names of the random stream
 */
export function scorePooled<Row extends PatientRow, Metric extends string>(
  { pooled }: PooledGroup<Row>,
  pooling: Pooling<Row, Metric>,
  replicates: number,
  names: readonly (string | number)[],
): Record<Metric, PooledMetric> {
  const estimates = pooled.map((rows) => pooling.measure(rows));
  const same = pooled.every((rows) => keysOf(rows) === keysOf(pooled[0]));
  const intervals: Partial<Record<Metric, BootstrapInterval>> = same
    ? bootstrapRows(
        stratify(pooled[0], pooling),
        replicates,
        names,
        drawn(pooled, (repeats) => meanScores(repeats, pooling)),
      )
    : {};
  const entries = pooling.metrics.map((metric) => [
    metric,
    pooledMetric(
      estimates.map((one) => one[metric]),
      intervals[metric],
    ),
  ]);
  return Object.fromEntries(entries) as Record<Metric, PooledMetric>;
}

/**
 * Paired bootstrap of the difference of the main metric between groups on the same patients; p is twice the
 * smaller share of replicates on one side of 0 (Efron and Tibshirani 1993), at least 2 / (replicates + 1).
 * @param pairs groups to compare
 */
export function testPooled<Row extends PatientRow, Metric extends string>(
  groups: readonly PooledGroup<Row>[],
  pairs: readonly { a: string; b: string }[],
  pooling: Pooling<Row, Metric>,
  replicates: number,
  names: readonly (string | number)[],
): BootstrapTest[] {
  if (replicates === 0) return [];
  const tests = pairs.flatMap(({ a, b }) => {
    const [first, second] = [a, b].map((name) => groups.find(({ group }) => group === name));
    return first && second ? testPair(first, second, pooling, replicates, names) : [];
  });
  const corrected = holm(tests.map(({ p }) => p));
  return tests.map((test, i) => ({ ...test, pHolm: corrected[i] }));
}

function testPair<Row extends PatientRow, Metric extends string>(
  first: PooledGroup<Row>,
  second: PooledGroup<Row>,
  pooling: Pooling<Row, Metric>,
  replicates: number,
  names: readonly (string | number)[],
): Omit<BootstrapTest, 'pHolm'>[] {
  const repeats = first.repeats.filter((repeat) => second.repeats.includes(repeat));
  const of = ({ repeats: all, pooled }: PooledGroup<Row>) =>
    repeats.map((repeat) => pooled[all.indexOf(repeat)]);
  const both = [...of(first), ...of(second)];
  if (repeats.length === 0 || both.some((rows) => keysOf(rows) !== keysOf(both[0]))) return [];
  const mean = (rows: readonly (readonly Row[])[]) => meanDefined(rows.map(pooling.main.of));
  const sides = (rows: readonly (readonly Row[])[]) =>
    [mean(rows.slice(0, repeats.length)), mean(rows.slice(repeats.length))] as const;
  const [one, other] = sides(both);
  if (one === null || other === null) return [];
  const result = pairedBootstrap(stratify(both[0], pooling), replicates, names, drawn(both, sides));
  if (result === undefined) return [];
  return [
    {
      ...{ a: first.group, b: second.group, metric: pooling.main.metric, repeats },
      patients: new Set(both[0].map(({ patient }) => patient)).size,
      ...{ first: one, second: other, difference: one - other, ...result },
    },
  ];
}

/**
 * Draws units within strata and compares two statistics of them.
 * @returns undefined if the difference is defined in no replicate
 */
export function pairedBootstrap(
  strata: readonly (readonly number[])[],
  replicates: number,
  names: readonly (string | number)[],
  statistics: (units: Uint32Array) => readonly [number | null, number | null],
): { interval: BootstrapInterval; p: number } | undefined {
  let [below, above, defined] = [0, 0, 0];
  const { difference: interval } = bootstrapRows(strata, replicates, names, (units) => {
    const [one, other] = statistics(units);
    if (one === null || other === null) return { difference: null };
    defined++;
    if (one <= other) below++;
    if (one >= other) above++;
    return { difference: one - other };
  });
  const p = Math.min(1, (2 * (Math.min(below, above) + 1)) / (defined + 1));
  return interval && { interval, p };
}

/** Rows of drawn patients, in each list. */
function drawn<Row extends PatientRow, Result>(
  lists: readonly (readonly Row[])[],
  statistics: (lists: Row[][]) => Result,
): (units: Uint32Array) => Result {
  const byPatient = lists.map((rows) => [...groupRows(rows).values()]);
  return (units) =>
    statistics(byPatient.map((patients) => Array.from(units, (unit) => patients[unit]).flat()));
}

function stratify<Row extends PatientRow>(
  rows: readonly Row[],
  { stratum }: Pick<Pooling<Row, string>, 'stratum'>,
): number[][] {
  return strataOf([...groupRows(rows).values()].map(([row]) => stratum(row)));
}

export function groupRows<Row extends PatientRow>(rows: readonly Row[]): Map<string, Row[]> {
  const patients = new Map<string, Row[]>();
  for (const row of rows) {
    const own = patients.get(row.patient);
    if (own === undefined) patients.set(row.patient, [row]);
    else own.push(row);
  }
  return patients;
}

function meanScores<Row extends PatientRow, Metric extends string>(
  repeats: readonly (readonly Row[])[],
  { measure, metrics }: Pooling<Row, Metric>,
): Record<Metric, number | null> {
  const measured = repeats.map((rows) => measure(rows));
  const means = metrics.map((metric) => [metric, meanDefined(measured.map((one) => one[metric]))]);
  return Object.fromEntries(means) as Record<Metric, number | null>;
}

/** Mean over the repeats in which a metric is defined. */
function meanDefined(estimates: readonly Estimate[]): number | null {
  return meanOfDefined(estimates, '').value;
}

function keysOf(rows: readonly PatientRow[]): string {
  return JSON.stringify(rows.map(({ key, patient }) => [key, patient]));
}
