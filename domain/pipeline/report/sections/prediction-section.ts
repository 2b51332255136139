import { extent } from 'd3-array';
import { compact, count, percent } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import { disagree, shownScore, type PredictedCase, type PredictionTable } from '../data/prediction-table.js';
import { niceRange } from '../figures/axis.js';
import { histogramFigure } from '../figures/histogram-figure.js';
import { scrolling } from './scrolling.js';

/** More rows scroll in a frame of their own. */
const MOST_ROWS = 30;
/** More rows are only in the file. */
const MOST_LISTED = 5000;

/** What a model predicts for another cohort: distribution, and a table of patients and of slides. */
export function predictionSection(tables: readonly PredictionTable[]): Markup {
  return html`<section id="predictions" aria-labelledby="predictions-h">
    <h2 id="predictions-h">Predictions</h2>
    <p class="lead">
      Slides that the training did not see. Each number is the mean over the checkpoints; ± is the standard
      deviation over them. Nothing of this cohort influenced the model or its threshold.
    </p>
    ${tables.map((table) => html`${tableHead(table)}${distribution(table)}${caseTable(table)}`)}
  </section>`;
}

function tableHead(table: PredictionTable): Markup {
  const { name, level, rows, checkpoints, threshold } = table;
  const calls = rows.flatMap(({ called }) => called ?? []);
  const counts = [...new Set(calls)]
    .sort()
    .map((call) => `${calls.filter((other) => other === call).length} ${call}`);
  const mixed = rows.filter(disagree).length;
  return html`<h3>${name}: ${count(rows.length, level)}</h3>
    <p class="lead">
      ${count(checkpoints, 'checkpoint')}. ${counts.length > 0 && `Called: ${counts.join(', ')}.`}
      ${threshold !== null && thresholdText(table, threshold)}
      ${mixed > 0 && `For ${count(mixed, level)}, at least one checkpoint alone would call otherwise; they are marked in the table.`}
    </p>`;
}

function thresholdText(
  { endpoint, columns }: PredictionTable,
  { value, from }: NonNullable<PredictionTable['threshold']>,
): string {
  if (value === null) return 'The most probable class is called.';
  const side =
    endpoint === 'classification'
      ? `A probability of ${columns[1]} of at least ${percent(value, 1)}% is called ${columns[1]}`
      : `A risk above ${compact(value)} is high`;
  return `${side} (${from}).`;
}

function distribution(table: PredictionTable): Markup | '' {
  const { rows, endpoint, columns, level, threshold } = table;
  const values = rows.map((row) => shownScore(row, table)).filter(Number.isFinite);
  if (values.length < 2) return '';
  const [low = 0, high = 1] = extent(values);
  const range: [number, number] =
    endpoint === 'classification'
      ? [0, 1]
      : niceRange([low, high, ...(threshold?.value == null ? [] : [threshold.value])], 1e-6);
  const title =
    endpoint !== 'classification'
      ? columns[0]
      : columns.length === 2
        ? `Probability of ${columns[1]}`
        : 'Probability of the called class';
  return html`<div class="panels wide">
    <figure class="chart broad">
      ${histogramFigure(values, { range, title, unit: level, line: threshold?.value ?? null })}
      ${threshold?.value != null && html`<figcaption>Dashed: threshold.</figcaption>`}
    </figure>
  </div>`;
}

function caseTable(table: PredictionTable): Markup {
  const { rows, level, columns, endpoint } = table;
  const has = {
    called: rows.some(({ called }) => called !== null),
    patient: rows.some(({ patient }) => patient !== null),
    label: rows.some(({ label }) => label !== null),
    votes: rows.some(({ votes }) => votes !== null),
  };
  const listed = rows.slice(0, MOST_LISTED);
  const probability = endpoint === 'classification';
  return html`<details open>
    <summary>
      ${rows.length > listed.length ? `The first ${listed.length} of ${rows.length} ${level}s; the others are in the file` : `All ${count(rows.length, level)}`}
    </summary>
    <div ${scrolling(`Predictions of ${level}s`, rows.length > MOST_ROWS)}>
      <table class="sortable filtered">
        <thead>
          <tr>
            <th scope="col" class="text">${level === 'slide' ? 'Slide' : 'Patient'}</th>
            ${has.called && html`<th scope="col" class="text">Called</th>`}
            ${has.votes && html`<th scope="col">Checkpoints</th>`}
            ${columns.map((column) => html`<th scope="col"><span class="head">${column}${probability && ', %'}</span></th>`)}
            ${has.patient && html`<th scope="col" class="text">Patient</th>`}
            ${has.label && html`<th scope="col" class="text">Label</th>`}
          </tr>
        </thead>
        <tbody>
          ${listed.map((row) => caseRow(row, has, probability ? percentOf : compact))}
        </tbody>
      </table>
    </div>
  </details>`;
}

const percentOf = (value: number) => percent(value, 1);

function caseRow(
  row: PredictedCase,
  has: Record<'called' | 'patient' | 'label' | 'votes', boolean>,
  format: (value: number) => string,
): Markup {
  const { key, called, votes, values, spreads, patient, label } = row;
  return html`<tr>
    <th scope="row" class="text name">${key}</th>
    ${has.called && html`<td class="text">${called ?? '–'}</td>`}
    ${has.votes && voteCell(votes, disagree(row))}
    ${values.map((value, k) => {
      const spread = spreads[k];
      return html`<td data-value="${value}">
        ${format(value)}${spread !== null && html` <span class="sd">± ${format(spread)}</span>`}
      </td>`;
    })}
    ${has.patient && html`<td class="text">${patient ?? '–'}</td>`}
    ${has.label && html`<td class="text">${label ?? '–'}</td>`}
  </tr>`;
}

function voteCell(votes: PredictedCase['votes'], mixed: boolean): Markup {
  if (votes === null) return html`<td>–</td>`;
  return html`<td data-value="${votes.same / votes.all}">
    ${votes.same} of ${votes.all}${mixed && html` <span class="badge warn">disagree</span>`}
  </td>`;
}
