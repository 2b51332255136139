import { readFile } from 'node:fs/promises';
import { SamMilError } from '../../domain/errors.js';
import { formatTable, plural } from './render-text.js';
import type { Palette } from './render-status.js';

/** The part of a report's `metrics.json` that the terminal shows. Undefined numbers are null. */
interface MetricsSummary {
  protocol: string | null;
  groups: {
    group: string;
    repeats: number;
    folds: number;
    slides: number;
    /** Absent in reports of version 1, in which all groups used the same protocol. */
    protocol?: string;
    /** An epoch or threshold was chosen on the scored slides. */
    optimistic?: boolean;
    protocols: Record<string, Record<string, Spreads>>;
  }[];
}

interface Spreads {
  repeats: Spread | null;
  folds: Spread | null;
}

interface Spread {
  mean: number | null;
  std: number | null;
  n: number;
  /** Folds or repeats in which the metric is undefined. */
  undefined?: number;
}

const COLUMNS: readonly [metric: string, title: string][] = [
  ['auc', 'AUC'],
  ['f1', 'F1'],
  ['accuracy', 'accuracy'],
  ['recall', 'recall'],
  ['specificity', 'specificity'],
];

async function readMetrics(path: string): Promise<MetricsSummary> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as MetricsSummary;
  } catch (cause) {
    throw new SamMilError('InvalidInput', 'the metrics cannot be read', { file: path, cause });
  }
}

/**
 * Renders a report's `metrics.json` as a table with one row per group, and notes on what the means are taken
 * over.
 * @param columns width of the terminal; metrics that do not fit next to long names are left out, last ones
 * first
 */
export async function metricsTable(path: string, palette: Palette, columns = Infinity): Promise<string[]> {
  const { groups, protocol } = await readMetrics(path);
  if (groups.length === 0 || protocol === null) return [palette.dim('no fold was evaluated')];
  const rows = groups.map(({ group, protocols, protocol: own = protocol, optimistic }) => [
    optimistic === true || own === 'paper' ? `${group} *` : group,
    ...COLUMNS.map(([metric]) => spreadText(preferred(protocols[own]?.[metric]))),
  ]);
  const marked = rows.some(([name]) => name.endsWith(' *'));
  const shown = fittingMetrics(rows, columns);
  const left = COLUMNS.slice(shown).map(([, title]) => title);
  const notes = [
    ...describeNumbers(groups, protocol),
    ...(marked ? [OPTIMISTIC] : []),
    ...describeGaps(groups, protocol),
    ...(left.length > 0 ? [`not shown for lack of space: ${left.join(', ')}; see the report`] : []),
  ];
  const table = [['', ...COLUMNS.map(([, title]) => palette.bold(title))], ...rows];
  return [
    ...formatTable(
      table.map((row) => row.slice(0, 1 + shown)),
      [1, 2, 3, 4, 5],
    ),
    ...notes.map(palette.dim),
  ];
}

/** Returns how many metrics fit next to the names; at least one. */
function fittingMetrics(rows: readonly string[][], columns: number): number {
  const widest = (i: number) =>
    Math.max(...rows.map((row) => row[i].length), COLUMNS[i - 1]?.[1].length ?? 0);
  let [width, shown] = [widest(0), 0];
  while (shown < COLUMNS.length && (width += 2 + widest(shown + 1)) <= columns) shown++;
  return Math.max(1, shown);
}

const OPTIMISTIC = '* optimistic: the epoch or threshold was chosen on the scored slides';

/** Describes what the numbers are taken over. Each line fits 80 columns. */
function describeNumbers(groups: MetricsSummary['groups'], usual: string): string[] {
  const each = (texts: readonly string[]) => [...new Set(texts)].join(' or ');
  const over = groups.map(({ repeats, folds }) =>
    repeats > 1 ? `the means of ${repeats} repeats` : plural(folds, 'fold'),
  );
  const size = groups.map(
    ({ folds, slides }) => `${plural(folds, 'fold')}, ${plural(slides, 'scored slide')}`,
  );
  return [
    `mean ± standard deviation over ${each(over)}`,
    `${each(size)}; threshold by protocol ${each(groups.map(({ protocol = usual }) => protocol))}`,
  ];
}

/** Says which means leave out folds: without slides of a class, its rates are undefined. */
function describeGaps(groups: MetricsSummary['groups'], usual: string): string[] {
  const gaps = COLUMNS.flatMap(([metric, title]) => {
    const missing = groups.map(({ protocol = usual, protocols }) => protocols[protocol]?.[metric]?.folds);
    return missing.some((folds) => (folds?.undefined ?? 0) > 0) ? [title] : [];
  });
  return gaps.length === 0
    ? []
    : [`${gaps.join(', ')}: without the folds that lack slides or calls of a class`];
}

/** Renders the difference of the means of two reports as a table with one row per group. */
export async function metricsDifference(before: string, after: string, palette: Palette): Promise<string[]> {
  const [a, b] = await Promise.all([readMetrics(before), readMetrics(after)]);
  const names = [...new Set([...a.groups, ...b.groups].map(({ group }) => group))];
  const meanOf = (summary: MetricsSummary, name: string, metric: string) => {
    const group = summary.groups.find((candidate) => candidate.group === name);
    return preferred(group?.protocols[group.protocol ?? summary.protocol ?? '']?.[metric])?.mean ?? null;
  };
  const rows = names.map((name) => [
    name,
    ...COLUMNS.map(([metric]) => changeText(meanOf(a, name, metric), meanOf(b, name, metric))),
  ]);
  return formatTable([['', ...COLUMNS.map(([, title]) => palette.bold(title))], ...rows], [1, 2, 3, 4, 5]);
}

/** Prefers the spread over repeats if there are several, because papers report that one. */
function preferred(spreads: Spreads | undefined): Spread | undefined {
  if (spreads === undefined) return undefined;
  const { repeats, folds } = spreads;
  return (repeats !== null && repeats.n > 1 ? repeats : folds) ?? undefined;
}

function spreadText(spread: Spread | undefined): string {
  if (spread === undefined || spread.mean === null) return 'n/a';
  // No spaces, so that a table of five columns fits 80 characters.
  return `${spread.mean.toFixed(3)}±${(spread.std ?? 0).toFixed(3)}`;
}

function changeText(before: number | null, after: number | null): string {
  if (before === null || after === null) return 'n/a';
  const change = after - before;
  return `${before.toFixed(3)} → ${after.toFixed(3)} (${change >= 0 ? '+' : '−'}${Math.abs(change).toFixed(3)})`;
}
