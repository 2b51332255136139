import { seriesKey } from '../figures/series.js';
import { count, percent } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import { scrolling } from './scrolling.js';
import type { ReportData, SlideScore, SlideTest } from '../data/report-data.js';
import { countWrong, listErrors, meanProbability, SHOWN_ERRORS } from '../data/score-slides.js';
import { figure } from './slide-section.js';

/** More rows are folded and scroll in a frame of their own. */
const MOST_ROWS = 30;
/** With more tests, the list of tests of a slide is only in the predictions files. */
const MOST_TESTS = 30_000;

/** With more than two classes, there is no threshold: the most probable class is called. */
function wrongIf({ folds }: ReportData): string {
  return folds.some(({ metrics }) => metrics.classes.length > 2)
    ? 'another class is the most probable one'
    : 'it is on the wrong side of the threshold of its fold';
}

/** The worst errors with pictures, then all scored slides. */
export function errorSection(data: ReportData): Markup {
  const wrong = listErrors(data.scored);
  const cards = wrong.slice(0, SHOWN_ERRORS);
  const more = wrong.length - cards.length;
  return html`<section id="errors" aria-labelledby="errors-h">
    <h2 id="errors-h">Errors</h2>
    <p class="lead">
      ${wrong.length === 0 ? 'No slide was misclassified.' : `${wrong.length} of ${count(data.scored.length, 'scored slide')} were misclassified at least once.`}
      Slides are ordered by the mean probability that the models gave to the true class when the slide was in
      the test set; the first are the worst. A slide is wrong if ${wrongIf(data)}.
      ${more > 0 && `The table below has the other ${more}.`}
    </p>
    ${cards.length > 0 && html`<div class="errors">${cards.map((slide) => card(slide, data))}</div>`}
    ${slideTable(data)}
  </section>`;
}

function card(slide: SlideScore, { errorPictures }: ReportData): Markup {
  const { key, label, tests } = slide;
  const called = [...new Set(tests.filter(({ wrong }) => wrong).map((test) => test.called))];
  const pictures = errorPictures.get(key) ?? [];
  return html`<article class="error">
    <h4>${key}</h4>
    <p>
      <strong>${label}</strong>, called <strong>${called.join(', ')}</strong> in ${countWrong(tests)} of
      ${count(tests.length, 'test')}; probability of ${label} ${percent(meanProbability(tests), 1)}%
    </p>
    ${pictures.length > 0 && html`<div class="pair">${pictures.map(figure)}</div>`}
    <details>
      <summary>Each test</summary>
      <table>
        <tbody>
          ${[...tests]
            .sort((a, b) => a.probability - b.probability)
            .map(
              ({ cell, probability, called: name, wrong }) =>
                html`<tr>
                  <th scope="row" class="text name">${cell}</th>
                  <td>${percent(probability, 1)}%</td>
                  <td class="${wrong ? 'wrong' : ''}">${name}</td>
                </tr>`,
            )}
        </tbody>
      </table>
    </details>
  </article>`;
}

function slideTable({ scored, rows }: ReportData): Markup {
  const groups = rows.map(({ group }) => group);
  const listed = scored.reduce((sum, { tests }) => sum + tests.length, 0) <= MOST_TESTS;
  return html`<details${scored.length <= MOST_ROWS && html` open`}>
    <summary>All ${count(scored.length, 'scored slide')}</summary>
    <div ${scrolling('Scored slides', scored.length > MOST_ROWS)}>
      <table class="sortable filtered">
        <caption>
          <span
            >Mean probability of the true class in percent, over all tests and per model; red: wrong in most of its
            tests.${listed && ' Hover over a number for the evaluations that it comes from.'}</span
          >
        </caption>
        <thead>
          <tr>
            <th scope="col" class="text">Slide</th>
            <th scope="col" class="text">Class</th>
            <th scope="col">Wrong</th>
            <th scope="col">All</th>
            ${groups.length > 1 && groups.map((group, i) => html`<th scope="col" title="${group}">${seriesKey(i)}<span class="head">${group}</span></th>`)}
          </tr>
        </thead>
        <tbody>
          ${scored.map((slide) => slideRow(slide, groups, listed))}
        </tbody>
      </table>
    </div>
  </details>`;
}

function slideRow({ key, label, tests }: SlideScore, groups: readonly string[], listed: boolean): Markup {
  const own = new Map(groups.map((group): [string, SlideTest[]] => [group, []]));
  for (const test of tests) own.get(test.group)?.push(test);
  return html`<tr>
    <th scope="row" class="text name">${key}</th>
    <td class="text">${label}</td>
    <td data-value="${countWrong(tests) / tests.length}">${countWrong(tests)} of ${tests.length}</td>
    ${scoreCell(tests, listed && groups.length === 1)}
    ${groups.length > 1 && groups.map((group) => scoreCell(own.get(group) ?? [], listed))}
  </tr>`;
}

function scoreCell(tests: readonly SlideTest[], listed: boolean): Markup {
  if (tests.length === 0) return html`<td data-value="2">–</td>`;
  const kind = countWrong(tests) * 2 > tests.length && html` class="wrong"`;
  const from = tests.map(({ cell, probability }) => `${cell} ${percent(probability, 1)}`).join(', ');
  return html`<td${kind}${listed && html` title="${from}"`}>${percent(meanProbability(tests), 1)}</td>`;
}
