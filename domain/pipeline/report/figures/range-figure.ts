import { percent } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import type { Axis } from './axis.js';
import { seriesClass, seriesMarker } from './series.js';

export const RANGE_WIDTH = 200;
const HEIGHT = 26;

/** A mean on a common axis, with a thick bar of one standard deviation over a thin one of all folds. */
export function rangeFigure(
  axis: Axis,
  series: number,
  { mean, std, values }: { mean: number; std: number; values: readonly number[] },
): Markup {
  const y = HEIGHT / 2;
  const x = (value: number) => axis.at(Math.min(axis.to, Math.max(axis.from, value))).toFixed(1);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const title = `mean ${percent(mean)} ± ${percent(std)}, folds ${percent(low)} to ${percent(high)}`;
  const color = seriesClass(series);
  return html`<svg class="range" viewBox="0 0 ${RANGE_WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
    <title>${title}</title>
    ${axis.ticks.map(({ at }) => html`<path class="grid" d="M${at.toFixed(1)} 0V${HEIGHT}" />`)}
    <path class="whisker ${color}" d="M${x(low)} ${y}H${x(high)}" />
    <path class="thick ${color}" d="M${x(mean - std)} ${y}H${x(mean + std)}" />
    ${seriesMarker(series, axis.at(mean), y, 5)}
  </svg>`;
}

/** Labels of the axis, for the head of the column. */
export function rangeAxis(axis: Axis): Markup {
  return html`<svg class="range" viewBox="0 0 ${RANGE_WIDTH} 16" aria-hidden="true">
    ${axis.ticks.map(
      ({ at, label }) =>
        html`<text class="tick" x="${at.toFixed(1)}" y="12" text-anchor="middle">${label}</text>`,
    )}
  </svg>`;
}
