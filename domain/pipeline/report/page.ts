import { foldSection, rocSection } from './fold-section.js';
import { count, duration } from './format-number.js';
import { html, trusted, type Markup } from './html.js';
import type { ReportData } from './report-data.js';
import { resultSection } from './result-section.js';
import { leftOutSection, provenanceSection, timelineSection } from './run-section.js';
import { heatmapSection, slideSection } from './slide-section.js';
import { STYLE } from './style.js';
import { sweepSection } from './sweep-section.js';

/**
 * Renders the report as one self-contained HTML file with embedded styles, charts (SVG) and pictures (data
 * URIs). It loads no external resources and contains no script. It supports light and dark mode, phones and
 * print.
 */
export function reportPage(data: ReportData): string {
  const sections: [string, string, Markup][] = [];
  // A sweep's charts are its main result, so they come first.
  if (data.sweeps.length > 0) sections.push(['sweeps', 'Sweeps', sweepSection(data.sweeps)]);
  if (data.evaluated) sections.push(['result', 'Result', resultSection(data)]);
  if (data.folds.length > 0) {
    sections.push(['roc', 'ROC', rocSection(data)], ['folds', 'Folds', foldSection(data)]);
  }
  if (data.heatmaps.length > 0) sections.push(['heatmaps', 'Heatmaps', heatmapSection(data)]);
  if (data.slides.length > 0) sections.push(['slides', 'Preprocessing', slideSection(data.slides)]);
  if (data.timeline !== null) sections.push(['timeline', 'Timeline', timelineSection(data.timeline)]);
  sections.push(['left-out', 'Left out', leftOutSection(data.left)]);
  sections.push(['provenance', 'Provenance', provenanceSection(data)]);
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
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
    </body>
  </html>`;
  return `<!DOCTYPE html>\n${page.markup}\n`;
}

function head({ title, run, timeline, folds }: ReportData): Markup {
  const facts = [
    run.id === null ? null : `run ${run.id}`,
    folds.length === 0 ? null : count(folds.length, 'evaluated fold'),
    timeline === null ? null : duration(timeline.seconds),
  ].filter((fact) => fact !== null);
  return html`<header class="top">
    <p class="kicker">sam-mil report${run.pipeline !== null && ` · ${run.pipeline}`}</p>
    <h1>${title}</h1>
    ${run.description !== null && html`<p class="lead">${run.description}</p>`}
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
