import { readFile } from 'node:fs/promises';
import { SamMilError } from '../../domain/errors.js';

/** The part of a report's `metrics.json` that the terminal shows. Undefined numbers are null. */
export interface MetricsSummary {
  protocol: string | null;
  groups: GroupMetrics[];
  /** The evaluations behind the groups. */
  folds?: { group: string; files: Record<'metrics' | 'predictions', { path: string; digest: string }> }[];
}

export interface GroupMetrics {
  group: string;
  repeats: number;
  folds: number;
  slides: number;
  /** Absent in reports of version 1, in which all groups used the same protocol. */
  protocol?: string;
  /** An epoch or threshold was chosen on the scored slides. */
  optimistic?: boolean;
  endpoint?: 'classification' | 'survival' | 'regression';
  /** Only of classification. */
  protocols?: Record<string, Record<string, Spreads>>;
  /** Only of survival and regression. */
  scores?: Record<string, Spreads>;
  /** Only with more than two classes. */
  several?: { overall: Record<string, Spreads> };
}

export interface Spreads {
  repeats: Spread | null;
  folds: Spread | null;
}

export interface Spread {
  mean: number | null;
  std: number | null;
  n: number;
  /** Folds or repeats in which the metric is undefined. */
  undefined?: number;
}

/** Metrics that the terminal shows, with their titles. */
export type Columns = readonly (readonly [metric: string, title: string])[];

const SURVIVAL: Columns = [
  ['concordance', 'concordance'],
  ['concordance_uno', 'Uno'],
  ['mean_auc', 'mean AUC'],
  ['integrated_brier', 'Brier'],
];

const REGRESSION: Columns = [
  ['mae', 'MAE'],
  ['rmse', 'RMSE'],
  ['r2', 'R2'],
  ['pearson', 'Pearson'],
  ['spearman', 'Spearman'],
];

/** Metrics of which a small number is a good one. */
export const LOWER_IS_BETTER: readonly string[] = ['mae', 'rmse', 'integrated_brier'];

const COMMON: Columns = [
  ['auc', 'AUC'],
  ['f1', 'F1'],
  ['accuracy', 'accuracy'],
  ['recall', 'recall'],
];

/**
 * The metrics of the endpoints of the groups. Two classes have a specificity, more have a kappa; groups of
 * both kinds get both columns.
 */
export function columnsOf(groups: readonly GroupMetrics[]): Columns {
  const has = (endpoint: GroupMetrics['endpoint']) => groups.some((group) => group.endpoint === endpoint);
  const classified = groups.filter(isClassified);
  return [
    ...(classified.length > 0 || groups.length === 0 ? classColumns(classified) : []),
    ...(has('survival') ? SURVIVAL : []),
    ...(has('regression') ? REGRESSION : []),
  ];
}

function classColumns(groups: readonly GroupMetrics[]): Columns {
  const several = groups.filter((group) => group.several !== undefined).length;
  const two = several < groups.length || groups.length === 0;
  return [
    ...COMMON,
    ...(two ? ([['specificity', 'specificity']] as const) : []),
    ...(several > 0 ? ([['kappa', 'kappa']] as const) : []),
  ];
}

export function isClassified({ endpoint }: GroupMetrics): boolean {
  return endpoint === undefined || endpoint === 'classification';
}

/** @throws SamMilError InvalidInput if the file cannot be read */
export async function readMetrics(path: string): Promise<MetricsSummary> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as MetricsSummary;
  } catch (cause) {
    throw new SamMilError('InvalidInput', 'the metrics cannot be read', { file: path, cause });
  }
}

/** A metric of a group under its own protocol; undefined if there is none. */
export function spreadsOf(
  { protocol: usual }: Pick<MetricsSummary, 'protocol'>,
  { protocols, protocol = usual ?? '', several, scores }: GroupMetrics,
  metric: string,
): Spreads | undefined {
  return protocols?.[protocol]?.[metric] ?? several?.overall[metric] ?? scores?.[metric];
}

/** The spread of {@link spreadsOf} that is shown. */
export function spreadOf(
  summary: Pick<MetricsSummary, 'protocol'>,
  group: GroupMetrics,
  metric: string,
): Spread | undefined {
  const spreads = spreadsOf(summary, group, metric);
  if (spreads === undefined) return undefined;
  const { repeats, folds } = spreads;
  // Papers report the spread over repeats.
  return (repeats !== null && repeats.n > 1 ? repeats : folds) ?? undefined;
}

/** `0.812±0.021`, without spaces, so that a table of five columns fits 80 characters. */
function spreadText(spread: Spread | undefined): string {
  if (spread === undefined || spread.mean === null) return 'n/a';
  return `${numberText(spread.mean)}±${numberText(spread.std ?? 0)}`;
}

/** Three decimals; fewer for the large values that an error in the unit of a regression may have. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3);
}

/** Columns of a metric: one for people; for a spreadsheet mean and standard deviation, with all digits. */
export function spreadColumns(title: string, csv = false): string[] {
  return csv ? [title, `${title} std`] : [title];
}

/** The cells under {@link spreadColumns}. */
export function spreadCells(spread: Spread | undefined, csv = false): string[] {
  return csv ? [`${spread?.mean ?? ''}`, `${spread?.std ?? ''}`] : [spreadText(spread)];
}
