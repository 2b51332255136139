import { meanRoc, type RocCurve } from '../../../statistics/roc.js';
import { html, type Content, type Markup } from '../data/html.js';
import { bottomTitle, horizontalGrid, leftTitle, linearAxis, verticalGrid } from './axis.js';
import { seriesClass, seriesMarker } from './series.js';

const SIDE = 320;
const PLOT = { left: 46, right: 308, top: 12, bottom: 274 };
const GRID = Array.from({ length: 201 }, (_, i) => i / 200);
/** False positive rates at which a mean curve gets a marker. */
const MARKED = [0.1, 0.3, 0.5, 0.7, 0.9];

const X = linearAxis([0, 1], [PLOT.left, PLOT.right]);
const Y = linearAxis([0, 1], [PLOT.bottom, PLOT.top]);

/** One line to draw. `series` counts from 0. */
export interface RocLine {
  label: string;
  series: number;
  curves: RocCurve[];
}

/** Draws the mean curve of a group with a band of one standard deviation over one thin line per fold. */
export function drawFoldCurves(line: RocLine): Markup {
  const { mean, std } = meanRoc(line.curves, GRID);
  const upper = mean.map((value, i) => Math.min(1, value + std[i]));
  const lower = mean.map((value, i) => Math.max(0, value - std[i]));
  const band = [...GRID.map((x, i) => [x, upper[i]]), ...GRID.map((x, i) => [x, lower[i]]).reverse()];
  const color = seriesClass(line.series).split(' ')[0];
  const folds = line.curves.map(
    ({ fpr, tpr }) => html`<polyline class="fold-line ${color}" points="${curvePoints(fpr, tpr)}" />`,
  );
  return frame(
    `ROC curves of ${line.label}: ${line.curves.length} folds and their mean`,
    html`<polygon class="roc-band ${color}" points="${points(band)}" /> ${folds}
      <polyline class="mean-line ${color}" points="${curvePoints([0, ...GRID], [0, ...mean])}" />`,
  );
}

/** Draws the mean curves of all groups in one frame. */
export function drawMeanCurves(lines: readonly RocLine[]): Markup {
  const curves = lines.map(({ curves, series }) => {
    const { mean } = meanRoc(curves, GRID);
    const markers = MARKED.map((rate) =>
      seriesMarker(series, X.at(rate), Y.at(mean[Math.round(rate * 200)]), 3.6),
    );
    return html`<polyline
        class="${seriesClass(series)}"
        points="${curvePoints([0, ...GRID], [0, ...mean])}"
      />${markers}`;
  });
  return frame(`Mean ROC curves of ${lines.map(({ label }) => label).join(', ')}`, html`${curves}`);
}

function frame(title: string, body: Content): Markup {
  const { left, right, top, bottom } = PLOT;
  return html`<svg viewBox="0 0 ${SIDE} ${SIDE}" role="img" aria-label="${title}">
    <title>${title}</title>
    ${verticalGrid(X, top, bottom)}${horizontalGrid(Y, left, right)}
    <path class="chance" d="M${left} ${bottom}L${right} ${top}" />
    ${body}
    <path class="axis" d="M${left} ${top}V${bottom}H${right}" />
    ${bottomTitle('False positive rate', (left + right) / 2, bottom + 38)}
    ${leftTitle('True positive rate', 13, (top + bottom) / 2)}
  </svg>`;
}

function curvePoints(fpr: readonly number[], tpr: readonly number[]): string {
  return points(fpr.map((x, i) => [x, tpr[i]]));
}

function points(values: readonly (readonly number[])[]): string {
  return values.map(([x, y]) => `${X.at(x).toFixed(1)},${Y.at(y).toFixed(1)}`).join(' ');
}
