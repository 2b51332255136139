import { errorText } from '../../../errors.js';
import type { StepUse } from '../../../engine/store/receipt-record.js';
import type { RunEvent } from '../../../engine/store/run-events.js';

/** One attempt at one step. Seconds count from the run's first event. */
export interface Bar {
  stage: string;
  item: string;
  step: string;
  attempt: number;
  start: number;
  end: number;
  /** `interrupted`: it started and no end was recorded, as after a kill. */
  outcome: 'done' | 'failed' | 'skipped' | 'cancelled' | 'interrupted';
  host: string;
  message?: string;
  /** What it used, for an attempt that succeeded. */
  used?: StepUse;
  /** Row within the stage, so that bars that overlap in time do not overlap on the page. */
  lane: number;
}

export interface StageTimeline {
  stage: string;
  lanes: number;
  bars: Bar[];
  /** Up-to-date steps, which were not executed. */
  cached: number;
  failed: number;
  interrupted: number;
  /** Sum over the bars, in seconds. It exceeds the wall time if items ran in parallel. */
  busy: number;
  /** From the first bar's start to the last bar's end, in seconds. */
  wall: number;
}

export interface Timeline {
  /** ISO 8601 of the first event. */
  start: string;
  seconds: number;
  stages: StageTimeline[];
  hosts: string[];
  /** Idle times that the figure shortens. */
  pauses: { start: number; end: number }[];
}

/**
 * Converts the events of a run to bars, with stages in order of their first event.
 * @param events in order of time
 * @param self stage that is writing this report and is therefore still running; its open step is omitted
 * @returns null when nothing was recorded
 */
export function buildTimeline(events: readonly RunEvent[], self?: string): Timeline | null {
  if (events.length === 0) return null;
  const origin = Date.parse(events[0].time);
  const at = (time: string) => (Date.parse(time) - origin) / 1000;
  const end = at(events[events.length - 1].time);
  const stages = new Map<string, StageTimeline>();
  const getStage = (name: string) => {
    const known = stages.get(name) ?? {
      stage: name,
      lanes: 0,
      bars: [],
      cached: 0,
      failed: 0,
      interrupted: 0,
      busy: 0,
      wall: 0,
    };
    stages.set(name, known);
    return known;
  };
  const open = new Map<string, RunEvent>();
  for (const event of events) {
    const stage = getStage(event.stage);
    const key = `${event.stage}\n${event.item}\n${event.step}`;
    if (event.event === 'cached' || event.event === 'linked') {
      // The step may have started before it found that another worker had done the work.
      open.delete(key);
      stage.cached++;
    } else if (event.event === 'started') {
      const before = open.get(key);
      if (before !== undefined)
        stage.bars.push(toBar(before, at(before.time), at(event.time), 'interrupted'));
      open.set(key, event);
    } else {
      const began = open.get(key);
      open.delete(key);
      const start = began === undefined ? at(event.time) - (event.seconds ?? 0) : at(began.time);
      stage.bars.push(toBar(event, Math.max(0, start), at(event.time), event.event));
    }
  }
  for (const event of open.values()) {
    if (event.stage !== self)
      getStage(event.stage).bars.push(toBar(event, at(event.time), end, 'interrupted'));
  }
  const list = [...stages.values()].filter(({ bars, cached }) => bars.length + cached > 0);
  list.forEach(finishStage);
  const bars = list.flatMap((stage) => stage.bars);
  const hosts = [...new Set(events.map(({ host }) => host))].sort();
  // The open step that writes this report is not shown.
  const seconds = bars.length === 0 ? end : Math.max(...bars.map((bar) => bar.end));
  return { start: events[0].time, seconds, stages: list, hosts, pauses: findPauses(bars, seconds) };
}

function toBar(event: RunEvent, start: number, end: number, outcome: Bar['outcome']): Bar {
  const { stage, item, step, attempt, host, error } = event;
  const message = error === undefined ? event.message : errorText(error);
  return {
    stage,
    item,
    step,
    attempt,
    start,
    end,
    outcome,
    host,
    lane: 0,
    ...(message === undefined ? {} : { message }),
    ...(event.used === undefined ? {} : { used: event.used }),
  };
}

/** Packs bars into the fewest lanes: in order of start, each takes the first free lane. */
function finishStage(stage: StageTimeline): void {
  stage.bars.sort((a, b) => a.start - b.start || (a.item < b.item ? -1 : 1));
  const free: number[] = [];
  for (const bar of stage.bars) {
    const lane = free.findIndex((until) => until <= bar.start);
    bar.lane = lane === -1 ? free.length : lane;
    free[bar.lane] = bar.end;
    stage.busy += bar.end - bar.start;
    if (bar.outcome === 'failed') stage.failed++;
    if (bar.outcome === 'interrupted') stage.interrupted++;
  }
  stage.lanes = Math.max(1, free.length);
  const first = stage.bars[0]?.start ?? 0;
  stage.wall = stage.bars.reduce((last, bar) => Math.max(last, bar.end), first) - first;
}

/** Finds idle times longer than a minute and longer than a tenth of the run. */
function findPauses(bars: readonly Bar[], end: number): Timeline['pauses'] {
  const pauses: Timeline['pauses'] = [];
  let covered = 0;
  const least = Math.max(60, end / 10);
  for (const bar of [...bars].sort((a, b) => a.start - b.start)) {
    if (bar.start - covered > least) pauses.push({ start: covered, end: bar.start });
    covered = Math.max(covered, bar.end);
  }
  return pauses;
}
