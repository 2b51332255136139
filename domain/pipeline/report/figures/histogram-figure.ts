import { bin, max } from 'd3-array';
import { html, type Markup } from '../data/html.js';
import { count as counted } from '../data/format-number.js';
import { bottomTitle, horizontalGrid, leftTitle, linearAxis, verticalGrid } from './axis.js';

const SIZE = { width: 420, height: 240 };
const PLOT = { left: 52, right: 406, top: 12, bottom: 192 };
const BINS = 20;

/**
 * Draws how many rows have a score in each of about 20 equal intervals.
 * @param unit what is counted, such as `slide`
 * @param line position of a dashed line, such as a threshold
 */
export function histogramFigure(
  values: readonly number[],
  {
    range,
    title,
    unit,
    line,
  }: { range: readonly [number, number]; title: string; unit: string; line: number | null },
): Markup {
  const [from, to] = range;
  const step = (to - from) / BINS;
  const edges = Array.from({ length: BINS - 1 }, (_, k) => from + (k + 1) * step);
  const bins = bin().domain([from, to]).thresholds(edges)([...values]);
  const x = linearAxis(range, [PLOT.left, PLOT.right]);
  const most = max(bins, (members) => members.length) ?? 1;
  const y = linearAxis([0, Math.max(1, most)], [PLOT.bottom, PLOT.top], { count: Math.min(5, most) });
  return html`<svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="${title}">
    <title>${title}</title>
    ${verticalGrid(x, PLOT.top, PLOT.bottom)}${horizontalGrid(y, PLOT.left, PLOT.right)}
    ${bins.map((members) => {
      if (members.length === 0) return '';
      const [left, right] = [members.x0 ?? from, members.x1 ?? to].map(x.at);
      const top = y.at(members.length);
      return html`<rect
        class="bar s1"
        x="${(left + 0.5).toFixed(1)}"
        y="${top.toFixed(1)}"
        width="${Math.max(1, right - left - 1).toFixed(1)}"
        height="${(PLOT.bottom - top).toFixed(1)}"
        ><title>
          ${`${counted(members.length, unit)}: ${(members.x0 ?? from).toFixed(3)} to ${(members.x1 ?? to).toFixed(3)}`}
        </title></rect
      >`;
    })}
    ${line !== null && html`<path class="chance" d="M${x.at(line).toFixed(1)} ${PLOT.top}V${PLOT.bottom}" />`}
    <path class="axis" d="M${PLOT.left} ${PLOT.top}V${PLOT.bottom}H${PLOT.right}" />
    ${bottomTitle(title, (PLOT.left + PLOT.right) / 2, PLOT.bottom + 38)}
    ${leftTitle(`${unit}s`, 13, (PLOT.top + PLOT.bottom) / 2)}
  </svg>`;
}
