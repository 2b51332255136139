import { numbersAtRisk, type SurvivalRow } from '../../../statistics/survival/kaplan-meier.js';
import type { RiskCurves } from '../data/endpoint-results.js';
import { html, type Markup } from '../data/html.js';
import { bottomTitle, horizontalGrid, leftTitle, linearAxis, verticalGrid, type Axis } from './axis.js';
import { seriesClass } from './series.js';

const WIDTH = 420;
const PLOT = { left: 62, right: 406, top: 12, bottom: 242 };
/** Lines of the table of numbers at risk. */
const TABLE = { top: PLOT.bottom + 64, line: 17 };

/** The two groups, with the series of their color and dash. */
export const RISK_SIDES = [
  { side: 'high', label: 'High', series: 1 },
  { side: 'low', label: 'Low', series: 0 },
] as const;

/**
 * Draws Kaplan-Meier curves of high and low risk with bands of 95 %, a tick where patients are censored, and
 * the numbers at risk below the axis.
 * @param time name of the times
 * @param latest end of the time axis, the same in all figures that are compared
 */
export function survivalFigure(curves: RiskCurves, time: string, latest: number): Markup {
  const x = linearAxis([0, latest], [PLOT.left, PLOT.right]);
  const y = linearAxis([0, 1], [PLOT.bottom, PLOT.top]);
  const height = TABLE.top + TABLE.line * (RISK_SIDES.length + 0.5);
  const title = `Survival of high and low risk by ${curves.group}`;
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">
    <title>${title}</title>
    ${verticalGrid(x, PLOT.top, PLOT.bottom)}${horizontalGrid(y, PLOT.left, PLOT.right)}
    ${RISK_SIDES.map(({ side, series }) => drawBand(curves[side], series, x, y))}
    ${RISK_SIDES.map(({ side, series }) => drawCurve(curves[side], series, x, y))}
    <path class="axis" d="M${PLOT.left} ${PLOT.top}V${PLOT.bottom}H${PLOT.right}" />
    ${bottomTitle(time, (PLOT.left + PLOT.right) / 2, PLOT.bottom + 36)}
    ${leftTitle('Survival', 13, (PLOT.top + PLOT.bottom) / 2)}
    <text class="axis-label" x="4" y="${TABLE.top - 4}">At risk</text>
    ${RISK_SIDES.map((side, row) => riskRow(curves, side, x, TABLE.top + TABLE.line * (row + 1) - 4))}
  </svg>`;
}

function drawCurve(rows: readonly SurvivalRow[], series: number, x: Axis, y: Axis): Markup | '' {
  if (rows.length === 0) return '';
  const color = `s${series + 1}`;
  const ticks = rows
    .filter(({ censored }) => censored > 0)
    .map(({ time, survival }) => `M${x.at(time).toFixed(1)} ${(y.at(survival) - 4).toFixed(1)}v8`);
  return html`<polyline
      class="${seriesClass(series)}"
      points="${stepPoints(rows, ({ survival }) => survival, x, y)}"
    /><path class="whisker ${color}" d="${ticks.join('')}" />`;
}

function drawBand(rows: readonly SurvivalRow[], series: number, x: Axis, y: Axis): Markup | '' {
  if (rows.length === 0) return '';
  const upper = stepPoints(rows, ({ upper95 }) => upper95, x, y);
  const lower = stepPoints(rows, ({ lower95 }) => lower95, x, y);
  const points = [...upper.split(' '), ...lower.split(' ').reverse()].join(' ');
  return html`<polygon class="roc-band s${series + 1}" points="${points}" />`;
}

/** From 1 at time 0, a step down at each time. */
function stepPoints(
  rows: readonly SurvivalRow[],
  value: (row: SurvivalRow) => number,
  x: Axis,
  y: Axis,
): string {
  const place = (time: number, at: number) => `${x.at(time).toFixed(1)},${y.at(at).toFixed(1)}`;
  let before = 1;
  const steps = rows.flatMap((row) => {
    const now = value(row);
    const both = [place(row.time, before), place(row.time, now)];
    before = now;
    return both;
  });
  return [place(0, 1), ...steps].join(' ');
}

function riskRow(
  { times }: RiskCurves,
  { side, label, series }: (typeof RISK_SIDES)[number],
  x: Axis,
  y: number,
): Markup {
  const numbers = numbersAtRisk(
    { times: times[side] },
    x.ticks.map(({ value }) => value),
  );
  return html`<text class="side s${series + 1}" x="4" y="${y}">${label}</text>${numbers.map(
      (number, i) =>
        html`<text class="tick" x="${x.ticks[i].at.toFixed(1)}" y="${y}" text-anchor="middle"
          >${number}</text
        >`,
    )}`;
}
