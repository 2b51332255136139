import { html, type Markup } from './html.js';

/** One row of dots. `series` is the number of its color, from 1. */
export interface StripRow {
  label: string;
  series: number;
  points: { value: number; title: string }[];
}

const WIDTH = 640;
const ROW = 46;
const PLOT = { left: 120, right: 20, top: 10 };

/**
 * Draws dots along a common axis, one row per group, with a bar at the median and a dashed line at
 * `reference`. Overlapping dots are stacked, always in the same way.
 */
export function stripPlot(
  title: string,
  rows: readonly StripRow[],
  axis: { from: number; to: number; reference?: number; label: string },
): Markup {
  const width = WIDTH - PLOT.left - PLOT.right;
  const x = (value: number) => PLOT.left + ((value - axis.from) / (axis.to - axis.from)) * width;
  const bottom = PLOT.top + rows.length * ROW;
  const step = axis.to - axis.from > 0.6 ? 0.2 : 0.1;
  const first = Math.ceil(axis.from / step - 1e-9);
  const last = Math.floor(axis.to / step + 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  return html`<svg viewBox="0 0 ${WIDTH} ${bottom + 44}" role="img" aria-label="${title}" class="strip">
    <title>${title}</title>
    ${ticks.map(
      (value) =>
        html`<path class="grid" d="M${x(value)} ${PLOT.top}V${bottom}" /><text
            class="tick"
            x="${x(value)}"
            y="${bottom + 16}"
            text-anchor="middle"
            >${Number(value.toFixed(2))}</text
          >`,
    )}${axis.reference !== undefined && html`<path class="chance" d="M${x(axis.reference)} ${PLOT.top}V${bottom}" />`}${rows.map(
      (row, i) => drawRow(row, PLOT.top + (i + 0.5) * ROW, x),
    )}
    <path class="axis" d="M${PLOT.left} ${bottom}H${WIDTH - PLOT.right}" />
    <text class="axis-label" x="${PLOT.left + width / 2}" y="${bottom + 38}" text-anchor="middle">
      ${axis.label}
    </text>
  </svg>`;
}

function drawRow(row: StripRow, y: number, x: (value: number) => number): Markup {
  const sorted = [...row.points].sort((a, b) => a.value - b.value || (a.title < b.title ? -1 : 1));
  const offsets = spread(sorted.map(({ value }) => x(value)));
  const dots = sorted.map(
    ({ value, title }, i) =>
      html`<circle
        class="dot s${row.series}"
        cx="${x(value).toFixed(1)}"
        cy="${(y + offsets[i]).toFixed(1)}"
        r="4"
        ><title>${title}</title></circle
      >`,
  );
  const middle = sorted.length === 0 ? null : x(median(sorted.map(({ value }) => value)));
  return html`<text class="row-label" x="${PLOT.left - 12}" y="${y + 4}" text-anchor="end">${row.label}</text
    >${dots}${middle !== null && html`<path class="median" d="M${middle.toFixed(1)} ${y - 22}v44" />`}`;
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

/** Median of numbers in ascending order. */
export function median(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
