import type { StepResources } from '../../../engine/store/step-resources.js';
import { duration, memory } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import { scrolling } from './scrolling.js';

interface Column {
  title: string;
  /** The cell's text; undefined if the step has no value. */
  text: (row: StepResources) => string | undefined;
  /** What the column is sorted by; absent for a column of texts. */
  value?: (row: StepResources) => number | undefined;
}

function amount(
  title: string,
  value: (row: StepResources) => number | undefined,
  show: (value: number, row: StepResources) => string,
): Column {
  const text = (row: StepResources) => {
    const found = value(row);
    return found === undefined ? undefined : show(found, row);
  };
  return { title, text, value };
}

/** The last ones are shown only if a step has a value. */
const ALWAYS = 7;
const COLUMNS: readonly Column[] = [
  { title: 'Stage', text: ({ stage }) => stage },
  { title: 'Step', text: ({ step }) => step },
  amount('Items', ({ items }) => items, String),
  amount('Time, total', ({ total }) => total, duration),
  amount('Time, longest', ({ longest }) => longest, duration),
  amount('Peak memory', (row) => row.memory, memory),
  { title: 'Device', text: ({ devices }) => devices.join(', ') || undefined },
  amount('CPU time', ({ cpu }) => cpu, duration),
  amount('Waited, mean', ({ waited }) => waited, duration),
  amount(
    'Patches per second',
    (row) => row.patchesPerSecond,
    (value) => value.toFixed(1),
  ),
  { title: 'GPU', text: ({ gpus }) => gpus.join(', ') || undefined },
  amount(
    'GPU memory',
    (row) => row.gpuMemory,
    (value, { gpuMemoryOf }) => `${memory(value)}${gpuMemoryOf === 'gpu' ? ' (all processes)' : ''}`,
  ),
  amount(
    'GPU utilization',
    (row) => row.gpuUtilization,
    (value) => `${Math.round(value)} %`,
  ),
  { title: 'Host', text: ({ hosts }) => hosts.join(', ') },
];

/** What each step used; the facts are those of the run that did the work. */
export function resourceSection(resources: readonly StepResources[]): Markup {
  const columns = COLUMNS.filter(
    ({ text }, index) => index < ALWAYS || resources.some((row) => text(row) !== undefined),
  );
  return html`<section id="resources" aria-labelledby="resources-h">
    <h2 id="resources-h">Resources</h2>
    <p class="lead">
      What the steps behind these results used, also those that an earlier run has done. Memory is the peak of
      the main memory of one process, without that of a GPU; steps that run inside the worker have none. A
      step waits when all slots of its queue are taken.
      ${columns.some(({ title }) => title.startsWith('GPU ')) && html`GPU memory is the peak of the step's own processes unless the table says otherwise; utilization is the mean of the whole GPU, sampled every two seconds.`}
    </p>
    <div ${scrolling('Resources')}>
      <table class="sortable">
        <thead>
          <tr>
            ${columns.map(({ title, value }) => html`<th scope="col" ${value === undefined && html` class="text"`}>${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${resources.map(
            (row) =>
              html`<tr>
                ${columns.map((column, index) => cell(column, row, index === 0))}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function cell({ text, value }: Column, row: StepResources, first: boolean): Markup {
  const shown = text(row) ?? '–';
  if (first) return html`<th scope="row" class="text">${shown}</th>`;
  if (value === undefined) return html`<td class="text">${shown}</td>`;
  return html`<td data-value="${value(row) ?? -1}">${shown}</td>`;
}
