import type { Comparison, ReportData } from './report-data.js';
import { isOptimistic, mainSpread, type SummaryRow } from './summary.js';

/** Groups whose results were obtained in equally honest ways, best AUC first. */
export interface Ranking {
  optimistic: boolean;
  groups: RankedGroup[];
}

export interface RankedGroup {
  row: SummaryRow;
  /** Series of the group, the same in all figures. */
  series: number;
  /** Mean AUC minus that of the first group of the ranking; null for the first group. */
  behind: number | null;
  /** The test against the first group, if there is one. */
  test: Comparison | null;
}

/**
 * Ranks groups by their mean AUC. Optimistic results are ranked separately: they are too high by an unknown
 * amount.
 */
export function rankGroups({ rows, comparisons }: Pick<ReportData, 'rows' | 'comparisons'>): Ranking[] {
  const all = rows.map((row, series) => ({ row, series, auc: meanAuc(row) }));
  return [false, true].flatMap((optimistic): Ranking[] => {
    const members = all
      .filter(({ row }) => isOptimistic(row) === optimistic)
      .sort((a, b) => (b.auc ?? -1) - (a.auc ?? -1) || a.series - b.series);
    if (members.length === 0) return [];
    const [first] = members;
    const groups = members.map(({ row, series, auc }) => ({
      row,
      series,
      behind: row === first.row || auc === null || first.auc === null ? null : auc - first.auc,
      test: findTest(comparisons, row.group, first.row.group),
    }));
    return [{ optimistic, groups }];
  });
}

function meanAuc({ protocols, protocol }: SummaryRow): number | null {
  return mainSpread(protocols[protocol].auc)?.mean ?? null;
}

/** The test of two groups in either order. */
export function findTest(comparisons: readonly Comparison[], one: string, other: string): Comparison | null {
  return comparisons.find(({ a, b }) => (a === one && b === other) || (a === other && b === one)) ?? null;
}
