import { colorScale, heatmapHeading, heatmapLegend } from './heatmap-legend.js';
import { html, type Markup } from './html.js';
import type { HeatmapResult, Picture, ReportData, SlidePictures } from './report-data.js';
import { median, stripPlot } from './strip-plot.js';

/** Pictures of the preprocessing of each slide. */
export function slideSection(slides: readonly SlidePictures[]): Markup {
  return html`<section id="slides" aria-labelledby="slides-h">
    <h2 id="slides-h">Preprocessing</h2>
    ${slides.map(
      ({ name, pictures }) =>
        html`<h3>${name}</h3>
          <div class="pictures">${pictures.map(figure)}</div>`,
    )}
  </section>`;
}

/**
 * Shows a few enlarged heatmaps selected by a stated rule, all thumbnails, and how well scores locate the
 * annotated lesion.
 */
export function heatmapSection(data: ReportData): Markup {
  const { heatmaps, shown } = data;
  const styles = heatmaps.map(({ style }) => style);
  const small = heatmaps.filter((heatmap) => heatmap.small !== null);
  const more = heatmaps.length - small.length;
  return html`<section id="heatmaps" aria-labelledby="heatmaps-h">
    <h2 id="heatmaps-h">${heatmapHeading(styles)}</h2>
    ${heatmapLegend(styles)}
    <p class="lead">${shown.rule}</p>
    ${shown.heatmaps.map(
      (heatmap) =>
        html`<h3>
            ${heatmap.name} ${setBadge(heatmap)}
            ${heatmap.lesionAuc !== null && html`<small class="sd">lesion AUC ${heatmap.lesionAuc.toFixed(3)}</small>`}
          </h3>
          <div class="pictures">${heatmap.pictures.map(figure)}</div>`,
    )}${lesionPart(heatmaps)}${
      small.length > 0 &&
      html`<details${small.length <= 24 ? html` open` : ''}><summary>All ${small.length} slides${more > 0 && ` (${more} more in the heatmap folder)`}</summary><div class="gallery">${small.map(galleryEntry)}</div></details>`
    }
  </section>`;
}

function setBadge({ set }: HeatmapResult): Markup | '' {
  if (set === null) return '';
  return html`<span class="badge${set === 'train' ? ' warn' : ''}"
    >${set === 'train' ? 'used for training' : set}</span
  >`;
}

function figure({ caption, alt, source, width, height, scale }: Picture): Markup {
  return html`<figure>
    <img src="${source}" alt="${alt}" width="${width}" height="${height}" loading="lazy" />
    <figcaption>${caption}${scale && html`: ${colorScale(scale)}`}</figcaption>
  </figure>`;
}

function galleryEntry(heatmap: HeatmapResult): Markup {
  const { small, name, lesionAuc } = heatmap;
  if (small === null) return html``;
  return html`<figure>
    <img
      src="${small.source}"
      alt="${small.alt}"
      width="${small.width}"
      height="${small.height}"
      loading="lazy"
    />
    <figcaption>
      <strong>${name}</strong>
      ${setBadge(heatmap)}<br />${lesionAuc === null ? 'no annotation' : `lesion AUC ${lesionAuc.toFixed(3)}`}
    </figcaption>
  </figure>`;
}

const SETS = ['test', 'val', 'train', null] as const;
const SET_LABELS: Record<string, string> = { test: 'test', val: 'validation', train: 'used for training' };

function lesionPart(heatmaps: readonly HeatmapResult[]): Markup | '' {
  const scored = heatmaps.filter(({ lesionAuc }) => lesionAuc !== null);
  if (scored.length === 0) return '';
  const rows = SETS.map((set, i) => ({
    label: set === null ? 'set unknown' : SET_LABELS[set],
    series: i + 1,
    members: scored.filter((heatmap) => heatmap.set === set),
  })).filter(({ members }) => members.length > 0);
  const plotted = rows.map(({ label, series, members }) => ({
    label,
    series,
    points: members.map(({ name, lesionAuc }) => ({
      value: lesionAuc!,
      title: `${name}: ${lesionAuc!.toFixed(3)}`,
    })),
  }));
  const axis = {
    from: 0,
    to: 1,
    reference: 0.5,
    label: 'Lesion AUC per slide (dashed: chance, bar: median)',
  };
  return html`<h3>Does the model locate the lesion?</h3>
    <p>
      The lesion AUC of an annotated slide is the probability that a patch inside the lesion scores higher
      than a patch outside it. Training used no patch labels.
    </p>
    <figure class="chart-middle">
      ${stripPlot('Lesion AUC of each annotated slide, by set', plotted, axis)}
    </figure>
    <div class="scroll" tabindex="0" role="region" aria-label="Lesion AUC">
      <table>
        <thead>
          <tr>
            <th scope="col">Set</th>
            <th scope="col">Slides</th>
            <th scope="col">Median</th>
            <th scope="col">Mean</th>
            <th scope="col">Lowest</th>
            <th scope="col">Highest</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(({ label, members }) => lesionRow(label, members))}
        </tbody>
      </table>
    </div>`;
}

function lesionRow(label: string, members: readonly HeatmapResult[]): Markup {
  const values = members.map(({ lesionAuc }) => lesionAuc!).sort((a, b) => a - b);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return html`<tr>
    <th scope="row">${label}</th>
    <td>${values.length}</td>
    ${[median(values), mean, values[0], values[values.length - 1]].map((value) => html`<td>${value.toFixed(3)}</td>`)}
  </tr>`;
}
