import type { Protocol } from '../../../mil/evaluate/evaluate-predictions.js';
import { linearAxis, niceRange, type Axis } from '../figures/axis.js';
import { RANGE_WIDTH, rangeAxis, rangeFigure } from '../figures/range-figure.js';
import { seriesKey } from '../figures/series.js';
import { count, percent, probability, signed } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import { rankGroups, type RankedGroup, type Ranking } from '../data/ranking.js';
import type { FoldResult, ReportData } from '../data/report-data.js';
import { countFoldNotes } from '../data/report-notes.js';
import { mainSpread } from '../data/summary.js';
import { foldsId } from './fold-section.js';
import { scrolling } from './scrolling.js';

const MARGIN = 14;

/**
 * The first table of a report: groups by AUC, with their spread, the test against the best one, and caveats.
 */
export function rankingTables(data: ReportData): Markup {
  const aucs = data.folds.flatMap(({ metrics }) => (metrics.rank.auc === null ? [] : [metrics.rank.auc]));
  const [from, to] = niceRange(aucs, 0.1, 4);
  const domain: [number, number] = [Math.max(0, from), Math.min(1, to)];
  const axis = linearAxis(domain, [MARGIN, RANGE_WIDTH - MARGIN], { count: 4, percent: true });
  const rankings = rankGroups(data);
  return html`${rankings.map((ranking) => rankingTable(ranking, data, axis))}`;
}

function rankingTable(ranking: Ranking, data: ReportData, axis: Axis): Markup {
  const { groups, optimistic } = ranking;
  const tested = groups.some(({ test }) => test !== null);
  // The mean over several classes is not the AUC that a reader of two classes knows.
  const macro = groups.some(({ row }) => row.several !== undefined) ? 'Macro ' : '';
  return html`${
      optimistic &&
      html`<h3>Optimistic results <span class="badge warn">optimistic</span></h3>
        <p class="lead">
          Here, the epoch or the threshold was selected on the scored slides. On new slides, results would be
          lower. Do not compare them with other results.
        </p>`
    }
    <div ${scrolling('Ranking')}>
      <table class="rank sortable">
        <thead>
          <tr>
            ${groups.length > 1 && html`<th scope="col">Rank</th>`}
            <th scope="col" class="text">Model</th>
            <th scope="col">${macro}AUC</th>
            <th scope="col" class="text plain">${rangeAxis(axis)}</th>
            ${
              tested &&
              html`<th scope="col">Behind the first</th>
                <th scope="col">p (Holm)</th>`
            }
            <th scope="col">${macro}F1</th>
            ${data.pooled.length > 0 && html`<th scope="col">${macro}AUC of pooled scores</th>`}
          </tr>
        </thead>
        <tbody>
          ${groups.map((group, i) => rankedRow(group, { rank: groups.length > 1 ? i + 1 : null, tested }, data, axis))}
        </tbody>
      </table>
    </div>`;
}

function rankedRow(
  { row, series, behind, test }: RankedGroup,
  { rank, tested }: { rank: number | null; tested: boolean },
  data: ReportData,
  axis: Axis,
): Markup {
  const { auc, f1 } = row.protocols[row.protocol];
  const [area, score] = [mainSpread(auc), mainSpread(f1)];
  const folds = data.folds.filter(({ group }) => group === row.group);
  const values = folds.flatMap(({ metrics }) => (metrics.rank.auc === null ? [] : [metrics.rank.auc]));
  const pooled = data.pooled.find(({ group }) => group === row.group)?.auc;
  return html`<tr>
    ${rank !== null && html`<td>${rank}</td>`}
    <th scope="row" class="text name">
      ${seriesKey(series)}<a href="#${foldsId(series)}">${row.group}</a>
      <small
        >${count(row.repeats, 'repeat')},
        ${count(row.folds, 'fold')}${thresholdText(row.protocol, folds)}</small
      >
      ${caveats(folds).map((line) => html`<small><span class="badge warn">note</span> ${line}</small>`)}
    </th>
    <td data-value="${area?.mean ?? -1}">
      <span class="big">${percent(area?.mean)}</span> <span class="sd">± ${percent(area?.std)}</span>
      ${row.repeats > 1 && html`<small>over individual folds ± ${percent(auc.folds?.std)}</small>`}
    </td>
    <td class="text">${area !== null && rangeFigure(axis, series, { ...area, values })}</td>
    ${
      tested &&
      html`<td data-value="${behind ?? 0}">${behind === null ? '–' : signed(behind)}</td>
        <td data-value="${test?.pHolm ?? 2}">${test === null ? '–' : probability(test.pHolm)}</td>`
    }
    <td data-value="${score?.mean ?? -1}">
      ${percent(score?.mean)} <span class="sd">± ${percent(score?.std)}</span>
    </td>
    ${
      data.pooled.length > 0 &&
      html`<td data-value="${pooled?.mean ?? -1}">
        ${pooled ? html`${percent(pooled.mean)}${pooled.n > 1 && html` <span class="sd">± ${percent(pooled.std)}</span>`}` : '–'}
      </td>`
    }
  </tr>`;
}

/** With more than two classes, the most probable class is called. */
function thresholdText(protocol: Protocol, folds: readonly FoldResult[]): string {
  return folds.every(({ metrics }) => metrics.classes.length > 2) ? '' : `, ${protocol} threshold`;
}

/** What a reader must know about exactly these numbers. */
function caveats(folds: readonly FoldResult[]): string[] {
  const all = count(folds.length, 'fold');
  const aucs = folds.flatMap(({ metrics }) => (metrics.rank.auc === null ? [] : [metrics.rank.auc]));
  const missing = folds.length - aucs.length;
  const below = aucs.filter((auc) => auc < 0.5).length;
  return [
    ...[...countFoldNotes(folds)].map(([note, n]) => `in ${n} of ${all}, ${note}`),
    ...(missing === 0 ? [] : [`AUC over ${aucs.length} of ${all}: the others have slides of one class only`]),
    ...(below === 0
      ? []
      : [`worse than chance in ${below} of ${all} (lowest AUC ${percent(Math.min(...aucs))})`]),
  ];
}
