import type { AucCurve } from '../data/endpoint-results.js';
import { html, type Markup } from '../data/html.js';
import { bottomTitle, horizontalGrid, leftTitle, linearAxis, niceRange, verticalGrid } from './axis.js';
import { seriesClass, seriesMarker } from './series.js';

const SIZE = { width: 420, height: 280 };
const PLOT = { left: 52, right: 406, top: 12, bottom: 230 };

/**
 * Draws the time-dependent AUC of all groups in one frame, with chance at 0.5.
 * @param curves with the series of each
 * @param time name of the times
 */
export function aucTimeFigure(
  curves: readonly (AucCurve & { series: number })[],
  time: string,
  latest: number,
): Markup {
  const values = curves.flatMap(({ points }) => points.flatMap(({ auc }) => auc ?? []));
  const [from, to] = niceRange([...values, 0.5], 0.2);
  const x = linearAxis([0, latest], [PLOT.left, PLOT.right]);
  const y = linearAxis([Math.max(0, from), Math.min(1, to)], [PLOT.bottom, PLOT.top]);
  const title = `AUC over time of ${curves.map(({ group }) => group).join(', ')}`;
  return html`<svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="${title}">
    <title>${title}</title>
    ${verticalGrid(x, PLOT.top, PLOT.bottom)}${horizontalGrid(y, PLOT.left, PLOT.right)}
    <path class="chance" d="M${PLOT.left} ${y.at(0.5).toFixed(1)}H${PLOT.right}" />
    ${curves.map(({ group, points, series }) => {
      const known = points.flatMap((point) =>
        point.auc === null ? [] : [{ time: point.time, auc: point.auc }],
      );
      const place = known.map((point) => `${x.at(point.time).toFixed(1)},${y.at(point.auc).toFixed(1)}`);
      return html`<polyline class="${seriesClass(series)}" points="${place.join(' ')}" />${known.map(
          (point) =>
            seriesMarker(
              series,
              x.at(point.time),
              y.at(point.auc),
              3.6,
              `${group} at ${point.time}: ${point.auc.toFixed(3)}`,
            ),
        )}`;
    })}
    <path class="axis" d="M${PLOT.left} ${PLOT.top}V${PLOT.bottom}H${PLOT.right}" />
    ${bottomTitle(time, (PLOT.left + PLOT.right) / 2, PLOT.bottom + 38)}
    ${leftTitle('AUC', 13, (PLOT.top + PLOT.bottom) / 2)}
  </svg>`;
}
