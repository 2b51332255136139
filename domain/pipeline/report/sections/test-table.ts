import type { BootstrapTest } from '../data/endpoint-results.js';
import { compact, count, probability, signedCompact } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import { scrolling } from './scrolling.js';

/** Why there are no tests of several models, or what they are, and their results. */
export function testTable(
  tests: readonly BootstrapTest[],
  models: number,
  { metric, better }: { metric: string; better: string },
): Markup | '' {
  if (tests.length === 0) {
    return models < 2
      ? ''
      : html`<p class="lead">
          There are no tests between models: they need bootstrap replicates, and models that scored the same
          patients.
        </p>`;
  }
  return html`<h3>Are the differences significant?</h3>
    <p class="lead">
      Paired bootstrap of the difference of the pooled ${metric} (${better}), averaged over the repeats. The
      patients are the sample: each replicate draws the same patients for both models and all repeats. What
      another training would change is not tested. p is two-sided and corrected for
      ${count(tests.length, 'test')} by Holm’s method.
    </p>
    <div ${scrolling('Comparison of models')}>
      <table class="sortable">
        <thead>
          <tr>
            <th scope="col" class="text">First – second</th>
            <th scope="col">Repeats</th>
            <th scope="col">Patients</th>
            <th scope="col">First</th>
            <th scope="col">Second</th>
            <th scope="col">Difference (95% interval)</th>
            <th scope="col">p</th>
            <th scope="col">p (Holm)</th>
          </tr>
        </thead>
        <tbody>
          ${tests.map(testRow)}
        </tbody>
      </table>
    </div>`;
}

function testRow(test: BootstrapTest): Markup {
  const { low, high } = test.interval;
  return html`<tr>
    <th scope="row" class="text name">${test.a} – ${test.b}</th>
    <td>${test.repeats.length}</td>
    <td>${test.patients}</td>
    <td>${compact(test.first)}</td>
    <td>${compact(test.second)}</td>
    <td data-value="${test.difference}">
      ${signedCompact(test.difference)}
      <span class="sd">(${signedCompact(low)} to ${signedCompact(high)})</span>
    </td>
    <td data-value="${test.p}">${probability(test.p)}</td>
    <td data-value="${test.pHolm}">${probability(test.pHolm)}</td>
  </tr>`;
}
