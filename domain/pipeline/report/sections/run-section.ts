import { headline, listFacts, type ErrorRecord } from '../../../errors.js';
import type { Json, JsonObject } from '../../../json.js';
import { count, duration } from '../data/format-number.js';
import { html, type Content, type Markup } from '../data/html.js';
import { scrolling } from './scrolling.js';
import type { NamedDigest } from '../data/evaluated-fold.js';
import type { LeftOut, ReportData, StepWarning } from '../data/report-data.js';
import { timelineFigure } from '../figures/timeline-figure.js';
import type { Timeline } from '../data/timeline.js';

/** Shows when each step ran, with one row of totals per stage. */
export function timelineSection(timeline: Timeline): Markup {
  const totals = timeline.stages.reduce((sum, stage) => sum + stage.bars.length, 0);
  const hosts = `${count(timeline.hosts.length, 'host')} (${timeline.hosts.join(', ')})`;
  return html`<section id="timeline" aria-labelledby="timeline-h">
    <h2 id="timeline-h">Timeline</h2>
    <p class="lead">
      ${count(totals, 'step')} in ${duration(timeline.seconds)} on ${hosts}, from
      ${timeline.start.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}. Each bar is one step of one item; hover
      over it to see its name. Red: failed. Hatched: interrupted, for example by a killed process.
    </p>
    <div ${scrolling('Timeline')}>
      <div class="chart-wide">${timelineFigure(timeline)}</div>
    </div>
    <div ${scrolling('Stages')}>
      <table>
        <thead>
          <tr>
            <th scope="col">Stage</th>
            <th scope="col">Steps run</th>
            <th scope="col">Up to date</th>
            <th scope="col">Failed attempts</th>
            <th scope="col">Interrupted</th>
            <th scope="col">Total step time</th>
            <th scope="col">Wall time</th>
          </tr>
        </thead>
        <tbody>
          ${timeline.stages.map(
            (stage) =>
              html`<tr>
                <th scope="row">${stage.stage}</th>
                <td>${stage.bars.length}</td>
                <td>${stage.cached}</td>
                <td>${stage.failed}</td>
                <td>${stage.interrupted}</td>
                <td>${duration(stage.busy)}</td>
                <td>${duration(stage.wall)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

/** Items named per warning; the log of each item has all. */
const MOST_NAMED = 10;

export function warningSection(warnings: readonly StepWarning[]): Markup {
  return html`<section id="warnings" aria-labelledby="warnings-h">
    <h2 id="warnings-h">Warnings</h2>
    <p class="lead">What the steps behind these results warned of, also in earlier runs.</p>
    <div ${scrolling('Warnings')}>
      <table class="sortable">
        <thead>
          <tr>
            <th scope="col" class="text">Stage</th>
            <th scope="col" class="text">Step</th>
            <th scope="col">Items</th>
            <th scope="col" class="text">Warning</th>
          </tr>
        </thead>
        <tbody>
          ${warnings.map(
            ({ stage, step, text, items }) =>
              html`<tr>
                <th scope="row" class="text">${stage}</th>
                <td class="text">${step}</td>
                <td>${items.length}</td>
                <td class="text wrap">
                  ${text}<small
                    >${items.slice(0, MOST_NAMED).join(', ')}${items.length > MOST_NAMED && `, and ${items.length - MOST_NAMED} more`}</small
                  >
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

export function leftOutSection(left: readonly LeftOut[]): Markup {
  return html`<section id="left-out" aria-labelledby="left-out-h">
    <h2 id="left-out-h">Left out</h2>
    ${
      left.length === 0
        ? html`<p>Nothing was left out: all items of the stages shown here succeeded.</p>`
        : html`<div ${scrolling('Left out')}>
            <table>
              <thead>
                <tr>
                  <th scope="col">Item</th>
                  <th scope="col" class="text">Stage</th>
                  <th scope="col" class="text">Status</th>
                  <th scope="col" class="text">Reason</th>
                </tr>
              </thead>
              <tbody>
                ${left.map(
                  ({ item, stage, status, reason, error }) =>
                    html`<tr>
                      <th scope="row">${item}</th>
                      <td class="text">${stage}</td>
                      <td class="text">
                        <span class="badge${status === 'failed' ? ' bad' : ''}">${status}</span>
                      </td>
                      <td class="text wrap">${error === undefined ? reason : errorMarkup(error)}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }
  </section>`;
}

function errorMarkup(error: ErrorRecord): Markup {
  const facts = listFacts(error).map(([label, text]) => html`<small>${label} ${text}</small>`);
  return html`${error.code}: ${headline(error)}${facts}`;
}

/** Everything needed to reproduce and verify these results. */
export function provenanceSection({ run, folds, groupBy }: ReportData): Markup {
  const seeds = run.seeds.map(({ repeat, seed }) => `repeat ${repeat}: ${seed}`).join(', ');
  const facts: [string, Content][] = [
    ['Run', run.id],
    ['Work folder', run.work],
    ['Lock file', run.lock],
    ['Pipeline', run.pipeline],
    ['Pipeline file', run.source && fileDigest(run.source)],
    ['Grouped by', groupBy.join(', ')],
    ['Seeds', seeds],
    ...run.versions.map(([name, version]): [string, Content] => [name, version]),
  ];
  const files = folds.flatMap(({ files }) => [files.metrics, files.predictions]);
  const sources = folds.flatMap(({ metrics: { cell, sources } }) =>
    [
      { path: `checkpoint of ${cell}`, digest: sources.checkpoint },
      { path: `slides and classes of ${cell}`, digest: sources.splits },
      { path: `ensemble of ${cell}`, digest: sources.ensemble },
      { path: `given predictions of ${cell}`, digest: sources.given_predictions },
      { path: `labels of ${cell}`, digest: sources.labels },
    ].flatMap(({ path, digest }) => (digest === undefined ? [] : [{ path, digest }])),
  );
  const rest = unique([...run.inputs, ...sources]);
  return html`<section id="provenance" aria-labelledby="provenance-h">
    <h2 id="provenance-h">Provenance</h2>
    <p class="lead">
      All results above are computed from the files below, identified by the SHA-256 of their content. Paths
      are relative to the work folder.
    </p>
    ${factList(facts)}${
      Object.keys(run.params).length > 0 &&
      html`<h3>Parameters</h3>
        ${factList(flatten(run.params))}`
    }
    <details>
      <summary>${count(files.length + rest.length, 'file')} with digests</summary>
      <div ${scrolling('Files')}>
        <table>
          <thead>
            <tr>
              <th scope="col">File</th>
              <th scope="col" class="text">SHA-256</th>
            </tr>
          </thead>
          <tbody>
            ${[...files, ...rest].map(
              ({ path, digest }) =>
                html`<tr>
                  <td class="text wrap"><code>${path}</code></td>
                  <td class="text"><code>${digest.replace('sha256:', '')}</code></td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </details>
  </section>`;
}

function fileDigest({ path, digest }: NamedDigest): Markup {
  return html`${path} <code>${digest}</code>`;
}

function unique(files: readonly NamedDigest[]): NamedDigest[] {
  return [...new Map(files.map((file) => [`${file.path} ${file.digest}`, file])).values()];
}

function factList(facts: readonly (readonly [string, Content])[]): Markup {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return html`<dl class="facts">
    ${known.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}

function flatten(params: JsonObject): [string, string][] {
  const text = (value: Json) => (typeof value === 'string' ? value : JSON.stringify(value));
  return Object.entries(params).map(([name, value]) => [name, text(value)]);
}
