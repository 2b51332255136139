import { percent } from '../data/format-number.js';
import { bottomTitle, horizontalGrid, leftTitle, linearAxis, niceRange } from '../figures/axis.js';
import { seriesClass, seriesKey, seriesMarker } from '../figures/series.js';
import { html, type Markup } from '../data/html.js';
import { mainSpread } from '../data/summary.js';
import type { Sweep, SweepPoint } from '../data/report-data.js';

const SIZE = { width: 420, height: 300 };
const PLOT = { left: 48, right: 14, top: 14, bottom: 52 };
const LINES = [
  { metric: 'auc', label: 'AUC', series: 0, shift: -3 },
  { metric: 'f1', label: 'F1', series: 1, shift: 3 },
] as const;

/** One chart per swept hyperparameter: AUC and F1 over its values. */
export function sweepSection(sweeps: readonly Sweep[]): Markup {
  const legend = LINES.map(
    ({ label, series }) => html`<span class="legend">${seriesKey(series)}${label}</span> `,
  );
  return html`<section id="sweeps" aria-labelledby="sweeps-h">
    <h2 id="sweeps-h">Hyperparameters</h2>
    <p class="lead">
      Each chart varies one parameter and keeps the others as in the pipeline. All values are percentages.
      Bars are one standard deviation over the repeats or, with a single repeat, over the folds. Parameter
      values are spaced evenly.
    </p>
    <div class="panels">
      ${sweeps.map(
        (sweep) =>
          html`<figure class="chart">
            ${sweepFigure(sweep)}
            <figcaption>
              <strong>${sweepName(sweep)}</strong>, F1 at the ${sweep.protocol} threshold.
              ${sweep.optimistic && html`<span class="badge warn">optimistic</span>`} ${legend}
            </figcaption>
          </figure>`,
      )}
    </div>
  </section>`;
}

function sweepName({ parameter, of }: Sweep): string {
  return of === '' ? parameter : `${parameter} · ${of}`;
}

export function sweepFigure(sweep: Sweep): Markup {
  const { points } = sweep;
  const [right, bottom] = [SIZE.width - PLOT.right, SIZE.height - PLOT.bottom];
  const x = (i: number) => PLOT.left + ((i + 0.5) / points.length) * (right - PLOT.left);
  const y = linearAxis(range(points), [bottom, PLOT.top], { percent: true });
  const title = `AUC and F1 over ${sweepName(sweep)}: ${points.map(({ value }) => `${value}`).join(', ')}`;
  return html`<svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="${title}">
    <title>${title}</title>
    ${horizontalGrid(y, PLOT.left, right)}${points.map(
      ({ value }, i) =>
        html`<text class="tick" x="${x(i).toFixed(1)}" y="${bottom + 17}" text-anchor="middle"
          >${`${value}`}</text
        >`,
    )}${LINES.map((line) => drawLine(points, line, x, y.at))}
    <path class="axis" d="M${PLOT.left} ${PLOT.top}V${bottom}H${right}" />
    ${bottomTitle(sweep.parameter, (PLOT.left + right) / 2, bottom + 40)}
    ${leftTitle('Percent', 13, (PLOT.top + bottom) / 2)}
  </svg>`;
}

function drawLine(
  points: readonly SweepPoint[],
  { metric, label, series, shift }: (typeof LINES)[number],
  x: (i: number) => number,
  y: (value: number) => number,
): Markup {
  const drawn = points.flatMap((point, i) => {
    const spread = mainSpread(point[metric]);
    return spread === null ? [] : [{ ...spread, value: point.value, at: x(i) + shift }];
  });
  const line = drawn.map(({ at, mean }) => `${at.toFixed(1)},${y(mean).toFixed(1)}`).join(' ');
  const clamp = (value: number) => Math.min(1, Math.max(0, value));
  const marks = drawn.map(({ at, mean, std, value }) => {
    const title = `${label} at ${value}: ${percent(mean)} ± ${percent(std)}`;
    const bar = `M${at.toFixed(1)} ${y(clamp(mean - std)).toFixed(1)}V${y(clamp(mean + std)).toFixed(1)}`;
    return html`<path
        class="whisker ${seriesClass(series)}"
        d="${bar}"
      />${seriesMarker(series, at, y(mean), 4, title)}`;
  });
  return html`<polyline class="${seriesClass(series)}" points="${line}" />${marks}`;
}

/** From the lowest end of the bars to the highest. */
function range(points: readonly SweepPoint[]): [number, number] {
  const ends = points.flatMap((point) =>
    LINES.flatMap(({ metric }) => {
      const spread = mainSpread(point[metric]);
      return spread === null ? [] : [spread.mean - spread.std, spread.mean + spread.std];
    }),
  );
  const [from, to] = niceRange(ends, 0.05);
  return [Math.max(0, from), Math.min(1, to)];
}
