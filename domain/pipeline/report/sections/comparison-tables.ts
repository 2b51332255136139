import { seriesKey } from '../figures/series.js';
import { percent, probability, signed } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import { scrolling } from './scrolling.js';
import { findTest, rankGroups } from '../data/ranking.js';
import type { Comparison, ReportData } from '../data/report-data.js';

/** Fewer groups are easier to read as a list of pairs. */
const SMALLEST_MATRIX = 4;
const SIGNIFICANT = 0.05;

/** Paired tests: one matrix per set of groups that were all compared with each other, otherwise a list. */
export function comparisonTables(data: ReportData): Markup | '' {
  const { comparisons, rows, folds } = data;
  const more = folds.some(({ metrics }) => metrics.classes.length > 2);
  if (comparisons.length === 0) {
    return more && rows.length > 1
      ? html`<p class="lead">
          There are no tests between models: they need bootstrap replicates, and models that scored the same
          slides.
        </p>`
      : '';
  }
  const order = rows.map(({ group }) => group);
  const ranked = rankGroups(data).flatMap(({ groups }) => groups.map(({ row }) => row.group));
  const families = findFamilies(comparisons).map((family) =>
    [...family].sort((a, b) => ranked.indexOf(a) - ranked.indexOf(b)),
  );
  const inMatrix = families.filter(
    (groups) => groups.length >= SMALLEST_MATRIX && isComplete(groups, comparisons),
  );
  const listed = comparisons.filter(({ a }) => !inMatrix.some((groups) => groups.includes(a)));
  return html`<h3>Are the differences significant?</h3>
    <p class="lead">
      ${methodText(comparisons)} of the pooled out-of-fold scores, averaged over the repeats. The slides are
      the sample: repeats do not count as additional slides, and what another training would change is not
      tested. Scores of different folds come from different trained models, so this AUC differs slightly from
      the mean over the folds. p is two-sided and corrected for ${comparisons.length}
      ${comparisons.length === 1 ? 'test' : 'tests'} by Holm’s method.
    </p>
    ${inMatrix.map((groups) => matrix(groups, comparisons, order))}${listed.length > 0 && pairTable(listed)}`;
}

function methodText(comparisons: readonly Comparison[]): string {
  const methods = new Set(comparisons.map(({ method }) => method));
  if (!methods.has('bootstrap')) return 'DeLong’s paired test of the AUC';
  const several =
    'paired bootstrap (the same slides for both models, drawn within each class) of the macro AUC';
  return methods.has('DeLong')
    ? `DeLong’s paired test of the AUC of two classes, and ${several},`
    : several.replace('paired', 'Paired');
}

/** Groups connected by tests. */
function findFamilies(comparisons: readonly Comparison[]): Set<string>[] {
  let families: Set<string>[] = [];
  for (const { a, b } of comparisons) {
    const touched = families.filter((family) => family.has(a) || family.has(b));
    const joined = new Set([a, b, ...touched.flatMap((family) => [...family])]);
    families = [...families.filter((family) => !touched.includes(family)), joined];
  }
  return families;
}

function isComplete(groups: readonly string[], comparisons: readonly Comparison[]): boolean {
  const tests = comparisons.filter(({ a, b }) => groups.includes(a) && groups.includes(b)).length;
  return tests === (groups.length * (groups.length - 1)) / 2;
}

function matrix(
  groups: readonly string[],
  comparisons: readonly Comparison[],
  order: readonly string[],
): Markup {
  return html`<div ${scrolling('Matrix of pairwise tests')}>
    <table class="matrix">
      <caption>
        <span
          >Row minus column: difference of the AUC in percentage points, below it the corrected p. Shaded: p
          below ${SIGNIFICANT}. Hover over a cell for its 95% interval (not corrected).</span
        >
      </caption>
      <thead>
        <tr>
          <th scope="col" class="text">Model</th>
          ${groups.map((group, i) => html`<th scope="col" title="${group}">${i + 1}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${groups.map(
          (group, i) =>
            html`<tr>
              <th scope="row" class="text name">${i + 1} ${seriesKey(order.indexOf(group))}${group}</th>
              ${groups.map((other) => matrixCell(group, other, comparisons))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function matrixCell(row: string, column: string, comparisons: readonly Comparison[]): Markup {
  const test = findTest(comparisons, row, column);
  if (test === null) return html`<td class="self">·</td>`;
  const { result, pHolm, slides, repeats } = test;
  const sign = test.a === row ? 1 : -1;
  const difference = sign * result.difference;
  const interval = result.difference95.map((end) => sign * end).sort((x, y) => x - y);
  const kind = pHolm >= SIGNIFICANT ? '' : difference > 0 ? 'better' : 'worse';
  const title = `${row} – ${column}: ${signed(difference)} (${interval.map(signed).join(' to ')}), p ${probability(result.pTwoSided)} before correction, ${slides} slides, repeats ${repeats.join(', ')}`;
  return html`<td class="${kind}" title="${title}">
    ${signed(difference)}<small>${probability(pHolm)}</small>
  </td>`;
}

function pairTable(comparisons: readonly Comparison[]): Markup {
  return html`<div ${scrolling('Comparison of models')}>
    <table class="sortable">
      <thead>
        <tr>
          <th scope="col" class="text">First – second</th>
          <th scope="col">Repeats</th>
          <th scope="col">Slides</th>
          <th scope="col">AUC, first</th>
          <th scope="col">AUC, second</th>
          <th scope="col">Difference (95% interval)</th>
          <th scope="col">p</th>
          <th scope="col">p (Holm)</th>
        </tr>
      </thead>
      <tbody>
        ${comparisons.map(
          ({ a, b, repeats, slides, result, pHolm }) =>
            html`<tr>
              <th scope="row" class="text name">${a} – ${b}</th>
              <td>${repeats.length}</td>
              <td>${slides}</td>
              <td>${percent(result.aucA)}</td>
              <td>${percent(result.aucB)}</td>
              <td data-value="${result.difference}">
                ${signed(result.difference)}
                <span class="sd"
                  >(${signed(result.difference95[0])} to ${signed(result.difference95[1])})</span
                >
              </td>
              <td data-value="${Number.isNaN(result.pTwoSided) ? 1 : result.pTwoSided}">
                ${probability(result.pTwoSided)}
              </td>
              <td data-value="${pHolm}">${probability(pHolm)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
