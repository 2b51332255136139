import { meanRoc, type RocCurve } from '../../statistics/roc.js';
import { html, type Content, type Markup } from './html.js';

const SIDE = 320;
const PLOT = { left: 46, top: 12, size: 262 };
const GRID = Array.from({ length: 201 }, (_, i) => i / 200);

/** One line to draw. `series` is the number of its color, from 1. */
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
  const folds = line.curves.map((curve) => curvePath(curve.fpr, curve.tpr, 'roc-fold', line.series));
  return frame(
    `ROC curves of ${line.label}: ${line.curves.length} folds and their mean`,
    html`<polygon class="roc-band s${line.series}" points="${points(band)}" /> ${folds}
      ${curvePath([0, ...GRID], [0, ...mean], 'roc-mean', line.series)}`,
  );
}

/** Draws the mean curves of all groups in one frame. */
export function drawMeanCurves(lines: readonly RocLine[]): Markup {
  const curves = lines.map(({ curves, series }) =>
    curvePath([0, ...GRID], [0, ...meanRoc(curves, GRID).mean], 'roc-mean', series),
  );
  return frame(`Mean ROC curves of ${lines.map(({ label }) => label).join(', ')}`, html`${curves}`);
}

function frame(title: string, body: Content): Markup {
  const { left, top, size } = PLOT;
  const bottom = top + size;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((value) => {
    const [x, y] = [left + value * size, bottom - value * size];
    return html`<path class="grid" d="M${x} ${top}V${bottom}M${left} ${y}H${left + size}" /><text
        class="tick"
        x="${x}"
        y="${bottom + 16}"
        text-anchor="middle"
        >${value}</text
      ><text class="tick" x="${left - 7}" y="${y + 4}" text-anchor="end">${value}</text>`;
  });
  return html`<svg viewBox="0 0 ${SIDE} ${SIDE}" role="img" aria-label="${title}">
    <title>${title}</title>
    ${ticks}
    <path class="chance" d="M${left} ${bottom}L${left + size} ${top}" />
    ${body}
    <path class="axis" d="M${left} ${top}V${bottom}H${left + size}" />
    <text class="axis-label" x="${left + size / 2}" y="${bottom + 38}" text-anchor="middle">
      False positive rate
    </text>
    <text class="axis-label" transform="translate(13 ${top + size / 2}) rotate(-90)" text-anchor="middle">
      True positive rate
    </text>
  </svg>`;
}

function curvePath(fpr: readonly number[], tpr: readonly number[], kind: string, series: number): Markup {
  return html`<polyline class="${kind} s${series}" points="${points(fpr.map((x, i) => [x, tpr[i]]))}" />`;
}

function points(values: readonly (readonly number[])[]): string {
  const { left, top, size } = PLOT;
  return values
    .map(([x, y]) => `${(left + x * size).toFixed(1)},${(top + (1 - y) * size).toFixed(1)}`)
    .join(' ');
}
