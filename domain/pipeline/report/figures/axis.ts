import { nice, ticks, tickStep } from 'd3-array';
import { html, type Markup } from '../data/html.js';

/** Maps values to positions in a figure. */
export interface Axis {
  from: number;
  to: number;
  at: (value: number) => number;
  ticks: { value: number; at: number; label: string }[];
}

export interface AxisOptions {
  /** Approximate number of ticks. */
  count?: number;
  /** Labels in percent. */
  percent?: boolean;
}

/**
 * A linear axis from `start` to `end` (pixels) with round ticks.
 * @param domain the values at both ends
 */
export function linearAxis(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
  { count = 5, percent = false }: AxisOptions = {},
): Axis {
  const at = (value: number) => start + ((value - from) / (to - from)) * (end - start);
  const step = tickStep(from, to, count) * (percent ? 100 : 1);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const label = (value: number) => (percent ? value * 100 : value).toFixed(digits);
  return {
    from,
    to,
    at,
    ticks: ticks(from, to, count).map((value) => ({ value, at: at(value), label: label(value) })),
  };
}

/** The smallest round range that contains all values, at least `least` wide. */
export function niceRange(values: readonly number[], least: number, count = 5): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (!Number.isFinite(low)) return [0, least];
  const more = Math.max(0, least - (high - low)) / 2;
  return nice(low - more, high + more, count);
}

/** Grid lines of a horizontal axis from `top` to `bottom`, with labels below. */
export function verticalGrid({ ticks }: Axis, top: number, bottom: number): Markup {
  return html`${ticks.map(
    ({ at, label }) =>
      html`<path class="grid" d="M${at.toFixed(1)} ${top}V${bottom}" /><text
          class="tick"
          x="${at.toFixed(1)}"
          y="${bottom + 16}"
          text-anchor="middle"
          >${label}</text
        >`,
  )}`;
}

/** Grid lines of a vertical axis from `left` to `right`, with labels on the left. */
export function horizontalGrid({ ticks }: Axis, left: number, right: number): Markup {
  return html`${ticks.map(
    ({ at, label }) =>
      html`<path class="grid" d="M${left} ${at.toFixed(1)}H${right}" /><text
          class="tick"
          x="${left - 7}"
          y="${(at + 4).toFixed(1)}"
          text-anchor="end"
          >${label}</text
        >`,
  )}`;
}

export function bottomTitle(text: string, x: number, y: number): Markup {
  return html`<text class="axis-label" x="${x}" y="${y}" text-anchor="middle">${text}</text>`;
}

export function leftTitle(text: string, x: number, y: number): Markup {
  return html`<text class="axis-label" transform="translate(${x} ${y}) rotate(-90)" text-anchor="middle"
    >${text}</text
  >`;
}
