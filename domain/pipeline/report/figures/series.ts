import { html, type Markup } from '../data/html.js';

/** Number of colors, of dash patterns and of markers. The style sheet defines colors and dashes. */
export const SERIES = 6;
export const DASHES = ['none', '7 3', '2 3', '9 3 2 3', '14 4', '5 2 1 2 1 2'] as const;

/** Outlines within one unit of the center. */
const MARKERS: readonly (readonly (readonly [number, number])[])[] = [
  [[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]],
  [[0, -1.15], [1.05, 0.8], [-1.05, 0.8]],
  [[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]],
  [[0, 1.15], [1.05, -0.8], [-1.05, -0.8]],
  [[-1.2, -0.4], [-0.4, -0.4], [-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4], [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4]],
  [[-0.55, -1.1], [0.55, -1.1], [0.55, 1.1], [-0.55, 1.1]],
]; // prettier-ignore

/**
 * Classes of the color and the dash pattern of a series, counted from 0. Color and dash together repeat only
 * after 36 series, so that lines differ without color too.
 */
export function seriesClass(index: number): string {
  return `s${(index % SERIES) + 1} d${dashOf(index) + 1}`;
}

function dashOf(index: number): number {
  return (index + Math.floor(index / SERIES)) % SERIES;
}

/** A point of a series. The marker goes with the dash pattern. */
export function seriesMarker(index: number, x: number, y: number, radius: number, title?: string): Markup {
  const points = MARKERS[dashOf(index)].map(
    ([dx, dy]) => `${round(x + dx * radius)},${round(y + dy * radius)}`,
  );
  return html`<polygon class="dot s${(index % SERIES) + 1}" points="${points.join(' ')}"
    >${title !== undefined && html`<title>${title}</title>`}</polygon
  >`;
}

/** A sample of line and marker, for legends and tables. */
export function seriesKey(index: number): Markup {
  return html`<svg class="key" viewBox="0 0 32 12" aria-hidden="true">
    <polyline class="${seriesClass(index)}" points="1,6 31,6" />
    ${seriesMarker(index, 16, 6, 4)}
  </svg>`;
}

function round(value: number): string {
  return value.toFixed(1);
}
