import { median as medianOf } from 'd3-array';
import { html, type Markup } from '../data/html.js';
import { bottomTitle, linearAxis, verticalGrid } from './axis.js';
import { seriesMarker } from './series.js';
import { LINE_HEIGHT, textLines, wrapLabel } from './wrap-label.js';

/** One row of dots. `series` counts from 0. */
export interface StripRow {
  label: string;
  series: number;
  points: { value: number; title: string }[];
}

const WIDTH = 640;
const ROW = 46;
const PLOT = { left: 14, right: 20, top: 4 };
/** Characters that fit into a line of the figure. */
const LABEL = 92;

/**
 * Draws dots along a common axis, one row per group below its label, with a bar at the median and a dashed
 * line at `reference`. Overlapping dots are stacked, always in the same way.
 */
export function stripPlot(
  title: string,
  rows: readonly StripRow[],
  domain: { from: number; to: number; reference?: number; label: string },
): Markup {
  const right = WIDTH - PLOT.right;
  const axis = linearAxis([domain.from, domain.to], [PLOT.left, right]);
  let bottom = PLOT.top;
  const drawn = rows.map((row) => {
    const lines = wrapLabel(row.label, LABEL);
    const top = bottom;
    bottom += lines.length * LINE_HEIGHT + ROW;
    return drawRow(row, lines, top, axis.at);
  });
  return html`<svg viewBox="0 0 ${WIDTH} ${bottom + 44}" role="img" aria-label="${title}" class="strip">
    <title>${title}</title>
    ${verticalGrid(axis, PLOT.top, bottom)}${
      domain.reference !== undefined &&
      html`<path class="chance" d="M${axis.at(domain.reference)} ${PLOT.top}V${bottom}" />`
    }${drawn}
    <path class="axis" d="M${PLOT.left} ${bottom}H${right}" />
    ${bottomTitle(domain.label, (PLOT.left + right) / 2, bottom + 38)}
  </svg>`;
}

function drawRow(row: StripRow, lines: readonly string[], top: number, x: (value: number) => number): Markup {
  const y = top + lines.length * LINE_HEIGHT + ROW / 2;
  const sorted = [...row.points].sort((a, b) => a.value - b.value || (a.title < b.title ? -1 : 1));
  const offsets = spread(sorted.map(({ value }) => x(value)));
  const dots = sorted.map(({ value, title }, i) =>
    seriesMarker(row.series, x(value), y + offsets[i], 3.6, title),
  );
  const middle = medianOf(sorted, ({ value }) => value);
  // Below the dots, so that it hides none of them.
  const bar = middle !== undefined && html`<path class="median" d="M${x(middle).toFixed(1)} ${y - 20}v40" />`;
  return html`${textLines(lines, PLOT.left, top + LINE_HEIGHT - 3, 'start')}${bar}${dots}`;
}

/** Vertical offsets (0, -6, +6, -12, +12, ...) for dots closer than 7 pixels to those already placed. */
function spread(places: readonly number[]): number[] {
  const choices = [0, -6, 6, -12, 12, -18, 18, -3, 3, -9, 9];
  const placed: { x: number; offset: number }[] = [];
  return places.map((x) => {
    const free = choices.find((offset) =>
      placed.every((dot) => dot.offset !== offset || Math.abs(dot.x - x) >= 7),
    );
    const offset = free ?? choices[placed.length % choices.length];
    placed.push({ x, offset });
    return offset;
  });
}
