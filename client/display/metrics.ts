import { formatTable, plural } from './render-text.js';
import type { Palette } from './render-status.js';
import { renderTable, type TableOptions } from './tables.js';
import {
  columnsOf,
  isClassified,
  readMetrics,
  spreadOf,
  spreadsOf,
  spreadCells,
  spreadColumns,
  type Columns,
  type GroupMetrics,
  type MetricsSummary,
  type Spread,
} from './read-metrics.js';

const RIGHT = [1, 2, 3, 4, 5, 6];

/**
 * Renders a report's `metrics.json` as a table with one row per group, and notes on what the means are taken
 * over.
 * @param columns width of the terminal; metrics that do not fit next to long names are left out, last ones
 * first
 */
export async function metricsTable(
  path: string,
  palette: Palette,
  columns = Infinity,
  format: TableOptions = {},
): Promise<string[]> {
  const summary = await readMetrics(path);
  const { groups, protocol } = summary;
  if (groups.length === 0) return [palette.dim('no fold was evaluated')];
  const shownColumns = columnsOf(groups);
  const rows = groups.map((group) => [
    markedName(group, protocol),
    ...shownColumns.flatMap(([metric]) => spreadCells(spreadOf(summary, group, metric), format.csv)),
  ]);
  if (format.md === true || format.csv === true)
    return renderTable(
      ['group', ...shownColumns.flatMap(([, title]) => spreadColumns(title, format.csv))],
      rows,
      format,
      palette,
      RIGHT,
    );
  const marked = rows.some(([name]) => name.endsWith(' *'));
  const shown = fittingMetrics(rows, shownColumns, columns);
  const left = shownColumns.slice(shown).map(([, title]) => title);
  const notes = [
    ...describeNumbers(groups, protocol),
    ...(marked ? [OPTIMISTIC] : []),
    ...describeGaps(summary, shownColumns),
    ...(left.length > 0 ? [`not shown for lack of space: ${left.join(', ')}; see the report`] : []),
  ];
  const table = [['', ...shownColumns.map(([, title]) => palette.bold(title))], ...rows];
  return [
    ...formatTable(
      table.map((row) => row.slice(0, 1 + shown)),
      RIGHT,
    ),
    ...notes.map(palette.dim),
  ];
}

/** Returns how many metrics fit next to the names; at least one. */
function fittingMetrics(rows: readonly string[][], metrics: Columns, columns: number): number {
  const widest = (i: number) =>
    Math.max(...rows.map((row) => row[i].length), metrics[i - 1]?.[1].length ?? 0);
  let [width, shown] = [widest(0), 0];
  while (shown < metrics.length && (width += 2 + widest(shown + 1)) <= columns) shown++;
  return Math.max(1, shown);
}

/** Marks a group whose epoch or threshold was chosen on the scored slides. */
export function markedName(row: GroupMetrics, usual: string | null): string {
  const { group, protocol, optimistic, several } = row;
  const threshold = isClassified(row) && (protocol ?? usual) === 'paper' && several === undefined;
  return optimistic === true || threshold ? `${group} *` : group;
}

export const OPTIMISTIC = '* optimistic: the epoch or threshold was chosen on the scored slides';

const SEVERAL = [
  'more than two classes: the most probable is called; AUC (one-versus-rest),',
  'F1 and recall are macro means',
];

const SURVIVAL = ['concordance (Harrell), Uno, mean AUC: 1 is best, 0.5 is chance; Brier: 0 is best'];
const REGRESSION = ['MAE and RMSE: 0 is best; R2, Pearson, Spearman: 1 is best'];

/** Describes what the numbers are taken over. Each line fits 80 columns. */
function describeNumbers(groups: MetricsSummary['groups'], usual: string | null): string[] {
  const each = (texts: readonly string[]) => [...new Set(texts)].join(' or ');
  const over = groups.map(({ repeats, folds }) =>
    repeats > 1 ? `the means of ${repeats} repeats` : plural(folds, 'fold'),
  );
  const size = groups.map(
    ({ folds, slides }) => `${plural(folds, 'fold')}, ${plural(slides, 'scored slide')}`,
  );
  const classified = groups.filter(isClassified);
  const two = classified.filter(({ several }) => several === undefined);
  const protocols = each(two.flatMap(({ protocol }) => protocol ?? usual ?? []));
  return [
    `mean ± standard deviation over ${each(over)}`,
    `${each(size)}${two.length > 0 ? `; threshold by protocol ${protocols}` : ''}`,
    ...(two.length < classified.length ? SEVERAL : []),
    ...(groups.some(({ endpoint }) => endpoint === 'survival') ? SURVIVAL : []),
    ...(groups.some(({ endpoint }) => endpoint === 'regression') ? REGRESSION : []),
  ];
}

/** Says which means leave out folds: without slides of a class, its rates are undefined. */
function describeGaps(summary: MetricsSummary, metrics: Columns): string[] {
  const { groups } = summary;
  const missing = (members: readonly GroupMetrics[], gap: (folds: Spread | null) => boolean) =>
    metrics.flatMap(([metric, title]) => {
      const spreads = members.flatMap((group) => spreadsOf(summary, group, metric) ?? []);
      return spreads.some(({ folds }) => gap(folds)) ? [title] : [];
    });
  const someGap = (folds: Spread | null) => (folds?.undefined ?? 0) > 0;
  const classes = missing(groups.filter(isClassified), someGap);
  const others = missing(
    groups.filter((group) => !isClassified(group)),
    (folds) => folds === null || someGap(folds),
  );
  return [
    ...(classes.length > 0
      ? [`${classes.join(', ')}: without the folds that lack slides or calls of a class`]
      : []),
    ...(others.length > 0
      ? [`${others.join(', ')}: undefined in some folds, which are left out; the report says why`]
      : []),
  ];
}
