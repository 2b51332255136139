import { describeUse } from '../data/describe-use.js';
import { count, duration } from '../data/format-number.js';
import { html, type Content, type Markup } from '../data/html.js';
import { SERIES } from './series.js';
import { LINE_HEIGHT, textLines, wrapLabel } from './wrap-label.js';
import type { Bar, StageTimeline, Timeline } from '../data/timeline.js';

const WIDTH = 1080;
/** Characters of a line of a stage's name, and their width in pixels. */
const LABEL_CHARACTERS = 30;
const CHARACTER = 7;
const RIGHT = 14;
/** Width at which an idle time is drawn. */
const PAUSE = 26;
const AXIS = 26;

/** Draws the run as a Gantt chart: one band per stage, bars packed into lanes, long idle times shortened. */
export function timelineFigure(timeline: Timeline): Markup {
  const names = timeline.stages.map(({ stage }) => wrapLabel(stage, LABEL_CHARACTERS));
  const left = 16 + CHARACTER * Math.max(12, ...names.flat().map((line) => line.length));
  const x = timeAxis(timeline, left);
  let top = AXIS;
  const bands = timeline.stages.map((stage, i) => {
    const lane = laneHeight(stage.lanes);
    const height = Math.max(8 + names[i].length * LINE_HEIGHT, stage.lanes * lane + 8);
    const band = drawStage(stage, { top, height, lane, left, name: names[i], series: (i % SERIES) + 1 }, x);
    top += height + 4;
    return band;
  });
  const title = `Timeline of the run: ${timeline.stages.map(({ stage }) => stage).join(', ')}; ${duration(timeline.seconds)} in total`;
  return html`<svg viewBox="0 0 ${WIDTH} ${top + 4}" role="img" aria-label="${title}" class="gantt">
    <title>${title}</title>
    <defs>
      <pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width="2.4" height="5" class="hatch-line" />
      </pattern>
    </defs>
    ${drawAxis(timeline, x, top)}${bands}${timeline.pauses.map((pause) => drawPause(pause, x, top))}
  </svg>`;
}

function laneHeight(lanes: number): number {
  return lanes <= 4 ? 10 : lanes <= 12 ? 7 : 4;
}

/** Maps seconds to horizontal positions, with idle times drawn at a fixed width. */
function timeAxis({ seconds, pauses }: Timeline, left: number): (time: number) => number {
  const paused = pauses.reduce((sum, { start, end }) => sum + end - start, 0);
  const width = WIDTH - left - RIGHT - pauses.length * PAUSE;
  const scale = width / Math.max(seconds - paused, 1e-3);
  return (time) => {
    let [cut, extra] = [0, 0];
    for (const { start, end } of pauses) {
      if (time <= start) break;
      cut += Math.min(time, end) - start;
      extra += PAUSE * ((Math.min(time, end) - start) / (end - start));
    }
    return left + (time - cut) * scale + extra;
  };
}

interface Band {
  top: number;
  height: number;
  lane: number;
  /** Where the time begins. */
  left: number;
  /** Lines of the stage's name. */
  name: readonly string[];
  series: number;
}

function drawStage(stage: StageTimeline, band: Band, x: (time: number) => number): Markup {
  const cached = stage.bars.length === 0 && stage.cached > 0;
  const middle = band.top + band.height / 2 + 4;
  return html`<g
    ><rect
      class="band"
      x="${band.left}"
      y="${band.top}"
      width="${WIDTH - band.left - RIGHT}"
      height="${band.height}"
      rx="4"
    />${textLines(band.name, band.left - 10, middle - ((band.name.length - 1) * LINE_HEIGHT) / 2, 'end')}${mergeSmall(stage.bars, x).map((bar) => drawBar(bar, band, x))}${cached && html`<text class="tick" x="${band.left + 10}" y="${middle}">${count(stage.cached, 'step')} up to date</text>`}</g
  >`;
}

interface DrawnBar extends Bar {
  merged: number;
}

/**
 * Merges neighbors in a lane that are too narrow to distinguish, which keeps the figure small with thousands
 * of items.
 */
function mergeSmall(bars: readonly Bar[], x: (time: number) => number): DrawnBar[] {
  const last = new Map<string, DrawnBar>();
  const drawn: DrawnBar[] = [];
  for (const bar of bars) {
    const key = `${bar.lane} ${bar.outcome}`;
    const before = last.get(key);
    const narrow =
      before !== undefined && x(bar.end) - x(bar.start) < 1 && x(bar.start) - x(before.end) < 0.5;
    if (narrow) {
      before.end = bar.end;
      before.merged++;
      continue;
    }
    const own = { ...bar, merged: 1 };
    last.set(key, own);
    drawn.push(own);
  }
  return drawn;
}

function drawBar(bar: DrawnBar, band: Band, x: (time: number) => number): Content {
  const [left, width] = [x(bar.start), Math.max(1, x(bar.end) - x(bar.start) - 0.6)];
  const y = band.top + 4 + bar.lane * band.lane;
  const name = bar.merged === 1 ? `${bar.item} · ${bar.step}` : `${bar.merged} short steps from ${bar.item}`;
  const attempt = bar.attempt > 1 ? `, attempt ${bar.attempt}` : '';
  const used = bar.merged === 1 && bar.used !== undefined ? describeUse(bar.used) : [];
  const facts = [duration(bar.end - bar.start), `${bar.outcome}${attempt}`, `on ${bar.host}`, ...used];
  const title = `${name}: ${facts.join(', ')}${bar.message ? `: ${bar.message}` : ''}`;
  const color = bar.outcome === 'done' ? `s${band.series}` : bar.outcome;
  return html`<rect
    class="bar ${color}"
    x="${left.toFixed(1)}"
    y="${y}"
    width="${width.toFixed(1)}"
    height="${band.lane - 1.5}"
    rx="1.5"
    ><title>${title}</title></rect
  >`;
}

function drawAxis(timeline: Timeline, x: (time: number) => number, bottom: number): Markup {
  const step = niceStep(
    timeline.seconds - timeline.pauses.reduce((sum, { start, end }) => sum + end - start, 0),
  );
  const inPause = (time: number) => timeline.pauses.some(({ start, end }) => time > start && time < end);
  const times = Array.from(
    { length: Math.min(400, Math.floor(timeline.seconds / step) + 1) },
    (_, i) => i * step,
  );
  return html`${times
    .filter((time) => !inPause(time) && x(time) < WIDTH - RIGHT)
    .map(
      (time) =>
        html`<path class="grid" d="M${x(time).toFixed(1)} ${AXIS - 6}V${bottom}" /><text
            class="tick"
            x="${x(time).toFixed(1)}"
            y="13"
            text-anchor="middle"
            >${clock(time)}</text
          >`,
    )}`;
}

function drawPause(
  { start, end }: { start: number; end: number },
  x: (time: number) => number,
  bottom: number,
): Markup {
  const middle = (x(start) + x(end)) / 2;
  return html`<g class="pause"
    ><path d="M${middle - 4} ${AXIS - 4}V${bottom}M${middle + 4} ${AXIS - 4}V${bottom}" /><text
      class="tick"
      transform="translate(${middle + 3.5} ${(AXIS + bottom) / 2}) rotate(-90)"
      text-anchor="middle"
      >idle ${duration(end - start)}</text
    ></g
  >`;
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

function niceStep(seconds: number): number {
  return STEPS.find((step) => seconds / step <= 10) ?? Math.ceil(seconds / 10 / 86400) * 86400;
}

/** `0`, `45 s`, `3:20 min`, `2:10 h`. */
function clock(seconds: number): string {
  if (seconds < 60) return seconds === 0 ? '0' : `${seconds} s`;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const two = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)} h` : `${minutes}:${two(seconds % 60)} min`;
}
