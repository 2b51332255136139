import { seriesKey } from '../figures/series.js';
import { count, percent } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import { scrolling } from './scrolling.js';
import type { ReportData } from '../data/report-data.js';

/** More matrices are folded. */
const MOST_OPEN = 4;

/** One matrix per group, with the calls of all its folds at the threshold of its protocol. */
export function confusionTables({ rows, folds }: ReportData): Markup {
  return html`<details${rows.length <= MOST_OPEN && html` open`}>
    <summary>Confusion matrices</summary>
    <div class="panels${folds.some(({ metrics }) => metrics.classes.length > 2) && ' wide'}">
      ${rows.map(({ group, protocol }, i) => {
        const members = folds.filter((fold) => fold.group === group).map(({ metrics }) => metrics);
        const { classes } = members[0];
        const comparable = members.every((metrics) => metrics.classes.join('\n') === classes.join('\n'));
        const matrices = members.map(({ protocols }) => protocols[protocol].confusion);
        return html`<figure>
          <figcaption>
            ${seriesKey(i)}<strong>${group}</strong>,
            ${classes.length > 2 ? '' : `${protocol} threshold, `}${count(members.length, 'fold')}
          </figcaption>
          ${comparable ? matrixTable(classes, sum(matrices)) : html`<p class="empty">The classes differ between folds.</p>`}
        </figure>`;
      })}
    </div>
  </details>`;
}

function sum(matrices: readonly number[][][]): number[][] {
  return matrices[0].map((row, i) =>
    row.map((_, j) => matrices.reduce((total, matrix) => total + matrix[i][j], 0)),
  );
}

function matrixTable(classes: readonly string[], counts: readonly number[][]): Markup {
  return html`<div ${scrolling('Confusion matrix')}>
    <table>
      <thead>
        ${classes.length > 2 ? severalHead(classes) : twoHead(classes)}
      </thead>
      <tbody>
        ${counts.map((row, i) => {
          const all = row.reduce((total, value) => total + value, 0);
          return html`<tr>
            <th scope="row" class="text">${classes[i]}</th>
            ${row.map((value, j) => html`<td class="${i !== j && value > 0 ? 'wrong' : ''}">${value}</td>`)}
            <td>${all === 0 ? '–' : `${percent(row[i] / all, 1)}%`}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

function twoHead(classes: readonly string[]): Markup {
  return html`<tr>
    <th scope="col" class="text">True class</th>
    ${classes.map((name) => html`<th scope="col">called ${name}</th>`)}
    <th scope="col">correct</th>
  </tr>`;
}

/** Says "called" once, so that five classes fit next to each other. */
function severalHead(classes: readonly string[]): Markup {
  return html`<tr>
      <th scope="col" class="text" rowspan="2">True class</th>
      <th scope="colgroup" colspan="${classes.length}">Called class</th>
      <th scope="col" rowspan="2">correct</th>
    </tr>
    <tr class="called">
      ${classes.map((name) => html`<th scope="col"><span class="head">${name}</span></th>`)}
    </tr>`;
}
