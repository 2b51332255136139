import { canonicalJson, type Json } from '../../domain/json.js';
import { suggest } from '../../domain/engine/language/expressions/did-you-mean.js';
import { invalid } from '../command-line/errors.js';
import { markedName } from './metrics.js';
import type { ShownRun } from './compare-runs.js';
import {
  columnsOf,
  LOWER_IS_BETTER,
  spreadCells,
  spreadColumns,
  spreadOf,
  type Columns,
  type GroupMetrics,
} from './read-metrics.js';
import { valueText } from './render-comparison.js';

/** A run of the table; `summary` is absent if it has no metrics. */
export interface ListedRun extends Omit<ShownRun, 'summary'> {
  state: string;
  summary?: ShownRun['summary'];
}

interface Row {
  run: ListedRun;
  group?: GroupMetrics;
}

export interface RunsTable {
  columns: string[];
  rows: string[][];
  /** Indices of the columns of numbers. */
  right: number[];
}

/**
 * Builds a table with a row per group of each run: the params in which the runs differ, and the metrics.
 * @param sort title of a column: metrics with the best first, params with the lowest first
 * @throws SamMilError InvalidInput for an unknown column
 */
export function runsTable(runs: readonly ListedRun[], sort?: string, csv = false): RunsTable {
  const params = differingParams(runs);
  const rows = runs.flatMap((run): Row[] => {
    const groups = run.summary?.groups ?? [];
    return groups.length === 0 ? [{ run }] : groups.map((group) => ({ run, group }));
  });
  const shown = columnsOf(runs.flatMap(({ summary }) => summary?.groups ?? []));
  if (sort !== undefined) sortRows(rows, sort, params, shown);
  const metrics = shown.flatMap(([, title]) => spreadColumns(title, csv));
  const columns = ['run', 'state', ...params, 'group', ...metrics];
  const first = 3 + params.length;
  return {
    columns,
    rows: rows.map((row) => cellsOf(row, params, shown, csv)),
    right: metrics.map((_, i) => first + i),
  };
}

function cellsOf({ run, group }: Row, params: readonly string[], metrics: Columns, csv: boolean): string[] {
  const { entry, state, plan, summary } = run;
  const shown = params.map((name) => {
    const value: Json | undefined = plan.params[name];
    return value === undefined ? '' : valueText(value);
  });
  const start = [entry.run, state, ...shown];
  if (summary === undefined || group === undefined) return start;
  return [
    ...start,
    markedName(group, summary.protocol),
    ...metrics.flatMap(([metric]) => spreadCells(spreadOf(summary, group, metric), csv)),
  ];
}

/** Params that differ between runs of one pipeline, in the order of the newest run that has them. */
function differingParams(runs: readonly ListedRun[]): string[] {
  const names = [...new Set(runs.flatMap(({ plan }) => Object.keys(plan.params)))];
  const text = ({ plan }: ListedRun, name: string) => canonicalJson(plan.params[name] ?? null);
  return names.filter((name) =>
    runs.some((run) => {
      const same = runs.filter(({ plan }) => plan.name === run.plan.name);
      return same.some((other) => text(other, name) !== text(run, name));
    }),
  );
}

function sortRows(rows: Row[], by: string, params: readonly string[], metrics: Columns): void {
  const metric = metrics.find(([, title]) => title.toLowerCase() === by.toLowerCase())?.[0];
  if (metric !== undefined) {
    const sign = LOWER_IS_BETTER.includes(metric) ? -1 : 1;
    const mean = ({ run: { summary }, group }: Row) => {
      const value = (summary && group && spreadOf(summary, group, metric)?.mean) ?? null;
      return value === null ? -Infinity : sign * value;
    };
    rows.sort((a, b) => mean(b) - mean(a) || 0);
    return;
  }
  const known = ['run', ...params];
  if (!known.includes(by)) {
    const titles = [...known, ...metrics.map(([, title]) => title)];
    throw invalid(
      `there is no column "${by}" to sort by`,
      suggest(by, titles, 'columns') ?? 'see the table without --sort',
    );
  }
  const value = ({ run: { entry, plan } }: Row) => (by === 'run' ? entry.run : (plan.params[by] ?? ''));
  rows.sort((a, b) => compareValues(value(a), value(b)));
}

function compareValues(a: Json, b: Json): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return valueText(a).localeCompare(valueText(b), 'en', { numeric: true });
}

/** The objects that `runs --json` prints, one per group. */
export function runObjects(runs: readonly ListedRun[]): object[] {
  return runs.flatMap(({ entry, state, plan, summary }): object[] => {
    const start = { run: entry.run, state, started: entry.started, work: entry.work, params: plan.params };
    if (summary === undefined || summary.groups.length === 0)
      return [{ ...start, group: null, metrics: null }];
    return summary.groups.map((group) => {
      const metrics = columnsOf([group]).map(([metric]) => [
        metric,
        spreadOf(summary, group, metric) ?? null,
      ]);
      return { ...start, group: group.group, metrics: Object.fromEntries(metrics) as object };
    });
  });
}
