import { mean } from 'd3-array';
import { html, type Markup } from '../data/html.js';
import type { HistoryPoint, TrainingCurves } from '../data/report-data.js';
import {
  bottomTitle,
  horizontalGrid,
  leftTitle,
  linearAxis,
  niceRange,
  verticalGrid,
  type Axis,
} from './axis.js';

const SIZE = { width: 420, height: 260 };
const PLOT = { left: 52, right: 406, top: 12, bottom: 212 };
/** Points per line; more would not be visible. */
const MOST_POINTS = 100;

export interface TrainingLine {
  /** Name in the legend. */
  label: string;
  /** Series of its color and dash. */
  series: 0 | 1;
  value: (point: HistoryPoint) => number | null;
}

export const LOSS_LINES: readonly TrainingLine[] = [
  { label: 'training loss', series: 0, value: ({ loss }) => loss },
  { label: 'validation loss', series: 1, value: ({ valLoss }) => valLoss },
];
/** Validation scores by which an epoch may be chosen, each in a chart of its own. */
export const SCORE_CHARTS: readonly { title: string; line: TrainingLine }[] = [
  scoreChart('Validation AUC', ({ valAuc }) => valAuc),
  scoreChart('Validation concordance', ({ valConcordance }) => valConcordance),
  scoreChart('Validation RMSE (lower is better)', ({ valRmse }) => valRmse),
];

function scoreChart(title: string, value: TrainingLine['value']) {
  return { title, line: { label: title, series: 0 as const, value } };
}

/** True if a fold has a value of the line. */
export function hasLine({ folds }: TrainingCurves, { value }: TrainingLine): boolean {
  return folds.some(({ history }) => history.some((point) => value(point) !== null));
}

/**
 * Draws values over epochs: a thin line per fold, a thick one for their mean, and a tick at the epoch whose
 * weights each fold kept.
 * @param range of the values, the same in all charts that are compared
 */
export function trainingFigure(
  curves: TrainingCurves,
  lines: readonly TrainingLine[],
  title: string,
  range: readonly [number, number],
): Markup {
  const epochs = Math.max(1, ...curves.folds.map(({ history }) => history.at(-1)?.epoch ?? 1));
  const x = linearAxis([Math.min(1, epochs - 1), epochs], [PLOT.left, PLOT.right]);
  const y = linearAxis(range, [PLOT.bottom, PLOT.top]);
  const chosen = curves.folds.flatMap(({ cell, epoch }) =>
    epoch === null
      ? []
      : [
          html`<path class="kept" d="M${x.at(epoch).toFixed(1)} ${PLOT.bottom}v-9"
            ><title>${`${cell}: epoch ${epoch}`}</title></path
          >`,
        ],
  );
  const name = `${title} of ${curves.group} over ${epochs} epochs`;
  return html`<svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="${name}">
    <title>${name}</title>
    ${verticalGrid(x, PLOT.top, PLOT.bottom)}${horizontalGrid(y, PLOT.left, PLOT.right)}${lines.map((line) =>
      drawLine(curves, line, x, y),
    )}${chosen}
    <path class="axis" d="M${PLOT.left} ${PLOT.top}V${PLOT.bottom}H${PLOT.right}" />
    ${bottomTitle('Epoch', (PLOT.left + PLOT.right) / 2, PLOT.bottom + 38)}
    ${leftTitle(title, 13, (PLOT.top + PLOT.bottom) / 2)}
  </svg>`;
}

function drawLine({ folds }: TrainingCurves, { value, series }: TrainingLine, x: Axis, y: Axis): Markup {
  const color = `s${series + 1}`;
  const limited = (number: number) => Math.min(y.to, Math.max(y.from, number));
  const path = (points: readonly { epoch: number; value: number }[]) =>
    points
      .map((point) => `${x.at(point.epoch).toFixed(1)},${y.at(limited(point.value)).toFixed(1)}`)
      .join(' ');
  const known = folds.map(({ history }) =>
    history.flatMap((point) => {
      const number = value(point);
      return number === null ? [] : [{ epoch: point.epoch, value: number }];
    }),
  );
  const means = new Map<number, number[]>();
  for (const { epoch, value: number } of known.flat())
    means.set(epoch, [...(means.get(epoch) ?? []), number]);
  const average = [...means]
    .sort(([a], [b]) => a - b)
    .map(([epoch, values]) => ({ epoch, value: mean(values) ?? NaN }));
  const each = known.map(
    (points) => html`<polyline class="fold-line ${color}" points="${path(thinned(points))}" />`,
  );
  return html`${each}<polyline
      class="mean-line ${color} d${series + 1}"
      points="${path(thinned(average))}"
    />`;
}

/** Evenly chosen points, with the first and the last one. */
function thinned<T>(points: readonly T[]): T[] {
  const step = Math.max(1, (points.length - 1) / (MOST_POINTS - 1));
  const chosen = new Set(points.map((_, i) => Math.round(Math.round(i / step) * step)));
  return points.filter((_, i) => chosen.has(i));
}

/**
 * A round range for the values of all groups. Single peaks, as of a diverging fold, do not flatten the rest.
 */
export function trainingRange(
  all: readonly TrainingCurves[],
  lines: readonly TrainingLine[],
): [number, number] {
  const values = all
    .flatMap(({ folds }) =>
      folds.flatMap(({ history }) => history.flatMap((point) => lines.map((line) => line.value(point)))),
    )
    .flatMap((value) => (value === null || !Number.isFinite(value) ? [] : [value]))
    .sort((a, b) => a - b);
  if (values.length === 0) return [0, 1];
  const high = values[Math.floor((values.length - 1) * 0.995)];
  return niceRange([Math.min(values[0], high), high], 0.1);
}
