import { median } from 'd3-array';
import { colorScale, heatmapHeading, heatmapLegend } from '../figures/heatmap-legend.js';
import { count } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import { scrolling } from './scrolling.js';
import type { HeatmapResult, Picture, ReportData } from '../data/report-data.js';
import { stripPlot } from '../figures/strip-plot.js';

/** Large pictures of the preprocessing of the first slides, and thumbnails of all. */
export function slideSection({ slides, gallery, slidesWithoutPictures }: ReportData): Markup {
  const all = Math.max(slides.length, gallery.length) + slidesWithoutPictures;
  return html`<section id="slides" aria-labelledby="slides-h">
    <h2 id="slides-h">Preprocessing</h2>
    <p class="lead">
      ${
        gallery.length === 0
          ? `${count(all, 'slide')} with pictures.`
          : `Shown enlarged: the first ${slides.length} of ${all} slides, in the order of their names. Below them, thumbnails of ${slidesWithoutPictures === 0 ? `all ${all}` : `the first ${gallery.length}`}.`
      }
      ${slidesWithoutPictures > 0 && `${slidesWithoutPictures} more are in the folder of the stage.`}
    </p>
    ${slides.map(
      ({ name, pictures }) =>
        html`<h3>${name}</h3>
          <div class="pictures">${pictures.map(figure)}</div>`,
    )}${
      gallery.length > 0 &&
      html`<details>
        <summary>All ${count(gallery.length, 'slide')}</summary>
        <div class="gallery">
          ${gallery.map(
            ({ name, pictures }) =>
              html`<figure class="slide-row">
                ${pictures.map(image)}
                <figcaption><strong>${name}</strong></figcaption>
              </figure>`,
          )}
        </div>
      </details>`
    }
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
          ${heatmap.annotated !== null && html`<p>Annotation: ${heatmap.annotated}.</p>`}
          <div class="pictures">${heatmap.pictures.map(figure)}</div>`,
    )}${lesionPart(heatmaps)}${
      small.length > 0 &&
      html`<details${small.length <= 24 ? html` open` : ''}><summary>${more > 0 ? `${small.length} of ${heatmaps.length} slides; the others are in the heatmap folder` : `All ${count(small.length, 'slide')}`}</summary><div class="gallery">${small.map(galleryEntry)}</div></details>`
    }
  </section>`;
}

function setBadge({ set }: HeatmapResult): Markup | '' {
  if (set === null) return '';
  return html`<span class="badge${set === 'train' ? ' warn' : ''}"
    >${set === 'train' ? 'used for training' : set}</span
  >`;
}

export function figure(picture: Picture): Markup {
  const { caption, scale } = picture;
  return html`<figure>
    ${image(picture)}
    <figcaption>${caption}${scale && html`: ${colorScale(scale)}`}</figcaption>
  </figure>`;
}

function image({ source, alt, width, height }: Picture): Markup {
  return html`<img src="${source}" alt="${alt}" width="${width}" height="${height}" loading="lazy" />`;
}

function galleryEntry(heatmap: HeatmapResult): Markup {
  const { small, name } = heatmap;
  if (small === null) return html``;
  return html`<figure class="slide-row">
    ${image(small)}
    <figcaption>
      <strong>${name}</strong>
      ${setBadge(heatmap)}<br />${lesionText(heatmap)}
    </figcaption>
  </figure>`;
}

function lesionText({ lesionAuc, annotated }: HeatmapResult): string {
  const auc = lesionAuc === null ? undefined : `lesion AUC ${lesionAuc.toFixed(3)}`;
  return [auc, annotated].filter((text) => text !== undefined && text !== null).join('; ') || 'no annotation';
}

const SETS = ['test', 'val', 'train', null] as const;
const SET_LABELS: Record<string, string> = { test: 'test', val: 'validation', train: 'used for training' };

function lesionPart(heatmaps: readonly HeatmapResult[]): Markup | '' {
  const scored = heatmaps.filter(({ lesionAuc }) => lesionAuc !== null);
  if (scored.length === 0) return '';
  const rows = SETS.map((set, i) => ({
    label: set === null ? 'set unknown' : SET_LABELS[set],
    series: i,
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
    <div ${scrolling('Lesion AUC')}>
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
    ${[median(values) ?? NaN, mean, values[0], values[values.length - 1]].map((value) => html`<td>${value.toFixed(3)}</td>`)}
  </tr>`;
}
