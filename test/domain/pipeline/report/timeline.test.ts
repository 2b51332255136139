import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTimeline } from '../../../../domain/pipeline/report/data/timeline.js';
import { timelineFigure } from '../../../../domain/pipeline/report/figures/timeline-figure.js';
import type { RunEvent } from '../../../../domain/engine/store/run-events.js';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();

function event(
  second: number,
  item: string,
  kind: RunEvent['event'],
  extra: Partial<RunEvent> = {},
): RunEvent {
  return {
    time: at(second),
    stage: 's',
    item,
    step: 'x',
    attempt: 1,
    event: kind,
    host: 'h',
    pid: 1,
    ...extra,
  };
}

test('puts overlapping bars in separate lanes and uses as few lanes as possible', () => {
  const timeline = buildTimeline([
    event(0, 'a', 'started'),
    event(1, 'b', 'started'),
    event(4, 'a', 'done'),
    event(5, 'c', 'started'),
    event(6, 'b', 'done'),
    event(9, 'c', 'done'),
  ]);
  const [stage] = timeline!.stages;
  assert.deepEqual(
    stage.bars.map(({ item, lane, start, end }) => [item, lane, start, end]),
    [
      ['a', 0, 0, 4],
      ['b', 1, 1, 6],
      ['c', 0, 5, 9],
    ],
  );
  assert.deepEqual([stage.lanes, stage.busy, stage.wall], [2, 13, 9]);
});

test('a step that starts and finds its work done elsewhere is not interrupted', () => {
  const timeline = buildTimeline([
    event(0, 'a', 'started'),
    event(1, 'a', 'linked'),
    event(1, 'b', 'started'),
    event(60, 'b', 'done'),
  ]);
  const [{ bars, cached, interrupted }] = timeline!.stages;
  assert.deepEqual([bars.map(({ item }) => item), cached, interrupted], [['b'], 1, 0]);
});

test('a start without an end is interrupted by the next attempt or the end of the record', () => {
  const timeline = buildTimeline([
    event(0, 'a', 'started'),
    event(10, 'a', 'started', { attempt: 2 }),
    event(15, 'a', 'done', { attempt: 2 }),
    event(16, 'b', 'started'),
    event(20, 'c', 'cached'),
  ]);
  const [stage] = timeline!.stages;
  assert.deepEqual(
    stage.bars.map(({ item, outcome, start, end }) => [item, outcome, start, end]),
    [
      ['a', 'interrupted', 0, 10],
      ['a', 'done', 10, 15],
      ['b', 'interrupted', 16, 20],
    ],
  );
  assert.deepEqual([stage.cached, stage.interrupted], [1, 2]);
});

test('an end without a start is drawn from its duration, and long idle times are found', () => {
  const timeline = buildTimeline([
    event(8, 'a', 'done', { seconds: 5 }),
    event(1000, 'b', 'started'),
    event(1010, 'b', 'failed', { message: 'no' }),
  ]);
  assert.equal(timeline!.stages[0].failed, 1);
  assert.deepEqual(timeline!.pauses, [{ start: 0, end: 992 }]);
});

test('without events there is no timeline, and the stage that writes the report is omitted', () => {
  assert.equal(buildTimeline([]), null);
  const timeline = buildTimeline(
    [event(0, 'a', 'started'), event(3, 'a', 'done'), event(4, 'r', 'started', { stage: 'report' })],
    'report',
  );
  assert.deepEqual(
    timeline!.stages.map(({ stage }) => stage),
    ['s'],
  );
  assert.equal(timeline!.seconds, 3);
});

test('ten thousand short steps give a small figure', () => {
  const events = Array.from({ length: 10_000 }, (_, i) => [
    event(i / 10, `i${i}`, 'started'),
    event(i / 10 + 0.1, `i${i}`, 'done'),
  ]).flat();
  const { markup } = timelineFigure(buildTimeline(events)!);
  assert.ok(markup.length < 300_000, `${markup.length} characters`);
  assert.match(markup, /short steps from i0/);
});

test('the title of a bar says what the step used, and nothing about what was not measured', () => {
  const gpu = { index: '1', name: 'H100', memory: 4e9, inUse: 9e9, utilization: 87 };
  const used = { devices: ['cuda'], cpu: 12, memory: 5e8, waited: 3, patchesPerSecond: 812.44, gpu };
  const title = (facts: Partial<RunEvent>) => {
    const events = [event(0, 'a', 'started'), event(60, 'a', 'done', facts)];
    return /<title>(a · x[^<]*)/.exec(timelineFigure(buildTimeline(events)!).markup)?.[1];
  };
  assert.equal(
    title({ used }),
    'a · x: 1 min 0 s, done, on h, GPU 1 H100, GPU memory 4.0 GB, GPU utilization 87 %, 812.4 patches/s, CPU time 12 s, memory 500 MB, waited 3.0 s',
  );
  assert.equal(
    title({ used: { devices: ['cpu'], gpu: { ...gpu, memory: undefined } } }),
    'a · x: 1 min 0 s, done, on h',
  );
  assert.equal(title({}), 'a · x: 1 min 0 s, done, on h');
});
