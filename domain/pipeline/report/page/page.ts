import { resourceSection } from '../sections/resource-section.js';
import { foldSection } from '../sections/fold-section.js';
import { rocSection } from '../sections/roc-section.js';
import { listDataFacts } from '../data/describe-data.js';
import { duration } from '../data/format-number.js';
import { html, trusted, type Markup } from '../data/html.js';
import type { ReportData } from '../data/report-data.js';
import { resultSection } from '../sections/result-section.js';
import { predictionSection } from '../sections/prediction-section.js';
import { regressionSection } from '../sections/regression-section.js';
import { survivalSection } from '../sections/survival-section.js';
import { errorSection } from '../sections/error-section.js';
import { trainingSection } from '../sections/training-section.js';
import { CONTENT_POLICY, SCRIPT } from './script.js';
import {
  leftOutSection,
  provenanceSection,
  timelineSection,
  warningSection,
} from '../sections/run-section.js';
import { heatmapSection, slideSection } from '../sections/slide-section.js';
import { STYLE } from './style.js';
import { sweepSection } from '../sections/sweep-section.js';

/**
 * Renders the report as one self-contained HTML file with embedded styles, charts (SVG) and pictures (data
 * URIs). It loads no external resources, and its script only sorts and filters tables. It supports light and
 * dark mode, phones and print.
 */
export function reportPage(data: ReportData): string {
  const sections: [string, string, Markup][] = [];
  // A sweep's charts are its main result, so they come first.
  if (data.sweeps.length > 0) sections.push(['sweeps', 'Sweeps', sweepSection(data.sweeps)]);
  const other = data.survival !== null || data.regression !== null;
  if (data.folds.length > 0 || (data.evaluated && !other))
    sections.push(['result', 'Result', resultSection(data)]);
  if (data.folds.length > 0) {
    sections.push(
      ['errors', 'Errors', errorSection(data)],
      ['roc', 'ROC', rocSection(data)],
      ['folds', 'Folds', foldSection(data)],
    );
  }
  if (data.survival !== null) sections.push(['survival', 'Survival', survivalSection(data.survival)]);
  if (data.regression !== null)
    sections.push(['regression', 'Regression', regressionSection(data.regression)]);
  if (data.predictions.length > 0)
    sections.push(['predictions', 'Predictions', predictionSection(data.predictions)]);
  if (data.training.length > 0) sections.push(['training', 'Training', trainingSection(data.training)]);
  if (data.heatmaps.length > 0) sections.push(['heatmaps', 'Heatmaps', heatmapSection(data)]);
  if (data.slides.length > 0) sections.push(['slides', 'Preprocessing', slideSection(data)]);
  if (data.timeline !== null) sections.push(['timeline', 'Timeline', timelineSection(data.timeline)]);
  if (data.resources.length > 0) sections.push(['resources', 'Resources', resourceSection(data.resources)]);
  if (data.warnings.length > 0) sections.push(['warnings', 'Warnings', warningSection(data.warnings)]);
  sections.push(['left-out', 'Left out', leftOutSection(data.left)]);
  sections.push(['provenance', 'Provenance', provenanceSection(data)]);
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta http-equiv="Content-Security-Policy" content="${trusted(CONTENT_POLICY)}" />
      <meta name="color-scheme" content="light dark" />
      <title>${data.title}</title>
      <style>
        ${trusted(STYLE)}
      </style>
    </head>
    <body>
      ${head(data)}
      <nav aria-label="Sections">
        <ul>
          ${sections.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}
        </ul>
      </nav>
      <main>${notes(data.notes)}${sections.map(([, , section]) => section)}</main>
      <footer>
        <p>Created by sam-mil. This file is self-contained: you can archive it or send it by email.</p>
      </footer>
      ${trusted(`<script>${SCRIPT}</script>`)}
    </body>
  </html>`;
  return `<!DOCTYPE html>\n${page.markup}\n`;
}

function head(data: ReportData): Markup {
  const { title, run, timeline } = data;
  const facts = [
    ...(run.id === null ? [] : [`run ${run.id}`]),
    ...(timeline === null ? [] : [`${timeline.start.slice(0, 10)}, ${duration(timeline.seconds)}`]),
  ];
  return html`<header class="top">
    <p class="kicker">sam-mil report${run.pipeline !== null && ` · ${run.pipeline}`}</p>
    <h1>${title}</h1>
    ${run.description !== null && html`<p class="lead">${run.description}</p>`}
    <p class="lead">${listDataFacts(data).join(' · ')}</p>
    <p class="lead">${facts.join(' · ')}</p>
  </header>`;
}

function notes(lines: readonly string[]): Markup | '' {
  if (lines.length === 0) return '';
  return html`<aside class="note" aria-labelledby="note-h">
    <h2 id="note-h">Read before using these results</h2>
    <ul>
      ${lines.map((line) => html`<li>${line}</li>`)}
    </ul>
  </aside>`;
}
