import type { Scatter } from '../data/endpoint-results.js';
import { compact } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import { bottomTitle, horizontalGrid, leftTitle, linearAxis, verticalGrid } from './axis.js';
import { seriesMarker } from './series.js';

const SIDE = 360;
const PLOT = { left: 62, right: 348, top: 12, bottom: 298 };
/** With more points, names would make the page large. */
const MOST_NAMED = 1000;

/**
 * Draws predicted over true values with the identity line; both axes have the same scale.
 * @param value name of the values
 * @param range of both axes, the same in all figures that are compared
 */
export function scatterFigure(
  { group, points }: Scatter,
  series: number,
  value: string,
  range: readonly [number, number],
): Markup {
  const x = linearAxis(range, [PLOT.left, PLOT.right], { count: 4 });
  const y = linearAxis(range, [PLOT.bottom, PLOT.top], { count: 4 });
  const title = `${value} predicted by ${group} over the true values`;
  const named = points.length <= MOST_NAMED;
  return html`<svg viewBox="0 0 ${SIDE} ${SIDE - 16}" role="img" aria-label="${title}">
    <title>${title}</title>
    ${verticalGrid(x, PLOT.top, PLOT.bottom)}${horizontalGrid(y, PLOT.left, PLOT.right)}
    <path class="chance" d="M${PLOT.left} ${PLOT.bottom}L${PLOT.right} ${PLOT.top}" />
    ${points.map(({ key, label, predicted }) =>
      seriesMarker(
        series,
        x.at(label),
        y.at(predicted),
        3,
        named ? `${key}: true ${compact(label)}, predicted ${compact(predicted)}` : undefined,
      ),
    )}
    <path class="axis" d="M${PLOT.left} ${PLOT.top}V${PLOT.bottom}H${PLOT.right}" />
    ${bottomTitle(`${value}, true`, (PLOT.left + PLOT.right) / 2, PLOT.bottom + 36)}
    ${leftTitle(`${value}, predicted`, 13, (PLOT.top + PLOT.bottom) / 2)}
  </svg>`;
}
