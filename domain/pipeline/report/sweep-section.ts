import { percent } from './format-number.js';
import { html, type Markup } from './html.js';
import { mainSpread } from './result-section.js';
import type { Sweep, SweepPoint } from './report-data.js';

const SIZE = { width: 420, height: 300 };
const PLOT = { left: 48, right: 14, top: 14, bottom: 52 };
const LINES = [
  { metric: 'auc', label: 'AUC', series: 1, shift: -3 },
  { metric: 'f1', label: 'F1', series: 2, shift: 3 },
] as const;

/** One chart per swept hyperparameter: AUC and F1 over its values. */
export function sweepSection(sweeps: readonly Sweep[]): Markup {
  const legend = LINES.map(
    ({ label, series }) => html`<span class="s${series}"><span class="swatch"></span>${label}</span> `,
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
  const [from, to] = range(points);
  const width = SIZE.width - PLOT.left - PLOT.right;
  const bottom = SIZE.height - PLOT.bottom;
  const x = (i: number) => PLOT.left + ((i + 0.5) / points.length) * width;
  const y = (value: number) => bottom - ((value - from) / (to - from)) * (bottom - PLOT.top);
  const step = to - from > 0.4 ? 0.1 : to - from > 0.15 ? 0.05 : 0.02;
  const count = Math.round((to - from) / step);
  const ticks = Array.from({ length: count + 1 }, (_, i) => from + i * step);
  const title = `AUC and F1 over ${sweepName(sweep)}: ${points.map(({ value }) => `${value}`).join(', ')}`;
  return html`<svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="${title}">
    <title>${title}</title>
    ${ticks.map(
      (tick) =>
        html`<path class="grid" d="M${PLOT.left} ${y(tick).toFixed(1)}H${SIZE.width - PLOT.right}" /><text
            class="tick"
            x="${PLOT.left - 7}"
            y="${(y(tick) + 4).toFixed(1)}"
            text-anchor="end"
            >${percent(tick, 0)}</text
          >`,
    )}${points.map(
      ({ value }, i) =>
        html`<text class="tick" x="${x(i).toFixed(1)}" y="${bottom + 17}" text-anchor="middle"
          >${`${value}`}</text
        >`,
    )}${LINES.map((line) => drawLine(points, line, x, y))}
    <path class="axis" d="M${PLOT.left} ${PLOT.top}V${bottom}H${SIZE.width - PLOT.right}" />
    <text class="axis-label" x="${PLOT.left + width / 2}" y="${bottom + 40}" text-anchor="middle">
      ${sweep.parameter}
    </text>
    <text
      class="axis-label"
      transform="translate(13 ${(PLOT.top + bottom) / 2}) rotate(-90)"
      text-anchor="middle"
    >
      Percent
    </text>
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
    return html`<path class="whisker" d="${bar}" /><circle
        class="dot"
        cx="${at.toFixed(1)}"
        cy="${y(mean).toFixed(1)}"
        r="4"
        ><title>${title}</title></circle
      >`;
  });
  return html`<g class="s${series}"><polyline class="roc-mean" points="${line}" />${marks}</g>`;
}

/** From the lowest end of the bars to the highest, widened to multiples of 0.05. */
function range(points: readonly SweepPoint[]): [number, number] {
  const ends = points.flatMap((point) =>
    LINES.flatMap(({ metric }) => {
      const spread = mainSpread(point[metric]);
      return spread === null ? [] : [spread.mean - spread.std, spread.mean + spread.std];
    }),
  );
  const from = Math.floor(Math.max(0, Math.min(...ends, 0.95)) * 20) / 20;
  const to = Math.min(1, Math.ceil(Math.max(...ends, from + 0.05) * 20) / 20);
  return [from, Math.max(to, from + 0.05)];
}
