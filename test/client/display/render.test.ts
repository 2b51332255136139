import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { WriteStream } from 'node:tty';
import pc from 'picocolors';
import { zeroCounts } from '../../../domain/engine/item/counts.js';
import { createDisplay } from '../../../client/display/display.js';
import { renderLeftOut } from '../../../client/display/left-out.js';
import {
  clip,
  formatBytes,
  formatDuration,
  formatTable,
  oneLine,
} from '../../../client/display/render-text.js';
import { countsText, renderFailures, renderRun } from '../../../client/display/render-status.js';
import { wrapText } from '../../../client/display/word-wrap.js';
import type { RunView } from '../../../client/run/events.js';
import type { StageStatus } from '../../../workflows/messages.js';

const plain = pc.createColors(false);

function stage(name: string, facts: Partial<StageStatus>): StageStatus {
  const counts = zeroCounts();
  return { name, needs: [], state: 'waiting', failures: [], ...counts, ...facts };
}

function view(...stages: StageStatus[]): RunView {
  const status = {
    run: 'study-1',
    pipeline: 'study',
    work: '/w',
    state: 'running' as const,
    startedAt: 0,
    stages,
    message: '',
  };
  return { status, activities: [], now: 60_000 };
}

test('statements wrap at words below their text; excerpts, long words and pipes stay whole', () => {
  const terminal = { isTTY: true, columns: 50 };
  const wrapped = (text: string) => wrapText(text, terminal).split('\n');
  assert.deepEqual(
    wrapped('  next     `npx sam-mil ls` lists your runs; for a run of another folder, add --work'),
    ['  next     `npx sam-mil ls` lists your runs; for a', '           run of another folder, add --work'],
  );
  assert.deepEqual(
    wrapped(`sam-mil: the weights of ${pc.createColors(true).red('sam-vit-h')} are not on this machine`),
    [`sam-mil: the weights of ${pc.createColors(true).red('sam-vit-h')} are not on`, '    this machine'],
  );
  assert.deepEqual(
    wrapped(`${pc.createColors(true).green('✔')} onnx     ONNX Runtime runs on cpu; device auto uses cpu`),
    [
      `${pc.createColors(true).green('✔')} onnx     ONNX Runtime runs on cpu; device auto`,
      '           uses cpu',
    ],
  );
  const excerpt = `   75 |     foreach: ${'x '.repeat(40)}`;
  const address = `  ${'a/'.repeat(60)}`;
  for (const whole of [excerpt, address, 'short']) assert.equal(wrapText(whole, terminal), whole);
  assert.equal(wrapText(excerpt.slice(9), { isTTY: false, columns: 50 }), excerpt.slice(9));
  assert.equal(clip('mil.split      6 cells', 14), 'mil.split …', 'a cut between two cells');
});

test('a run as lines: counts, pace, what activities do', () => {
  const shown = view(
    stage('patch', { state: 'done', total: 10, done: 10, cached: 4, startedAt: 0, endedAt: 30_000 }),
    stage('train', { state: 'running', total: 4, done: 1, failed: 1, running: 1, startedAt: 0 }),
    stage('report', { needs: ['train', 'evaluate', 'heatmap', 'region'] }),
  );
  shown.activities = [
    {
      stage: 'train',
      key: 'abmil-0-1',
      step: 'train',
      attempt: 2,
      progress: { unit: 'epochs', done: 15, total: 30, note: 'loss\u001b[2J 0.4\nnext' },
      lastFailure: { code: 'ChildCrashed', what: 'child died', facts: { found: 'no output' } },
    },
  ];
  // Worked: 1 done + 1 failed + half a running one in 60 s; left: 1.5 of 4 items.
  assert.deepEqual(renderRun(shown, plain), [
    'study-1  running  1m 00s',
    ' ✔ patch   10/10  4 unchanged        30s',
    ' ▸ train   2/4  1 failed  1 running  1m 00s  2.5/min  about 36s left',
    '     abmil-0-1 train  15/30 epochs  loss 0.4 next  attempt 2, after ChildCrashed: child died',
    // Its text does not push the pace of the others out of a narrow terminal.
    ' · report  waiting for train, evaluate, heatmap, region',
  ]);
});

test('the time left weighs items by how long their kind takes', () => {
  // 10 of 20 trainings are done: 8 short ones of 2 s, 2 long ones of 60 s; 10 long ones are left.
  const counts = { total: 20, done: 10, running: 2, startedAt: 0 };
  const work = { done: 136, left: 600, running: 120 };
  const shown = view(stage('train', { state: 'running', ...counts, work }));
  shown.now = 240_000;
  assert.match(renderRun(shown, plain)[1], /2\.5\/min {2}about 17m 39s left$/);
  // Half of one of the two running trainings: 30 of their 120 s are done.
  const progress = { unit: 'epochs', done: 15, total: 30, note: '' };
  shown.activities = [{ stage: 'train', key: 'transmil-0-1', step: 'train', attempt: 1, progress }];
  assert.match(renderRun(shown, plain)[1], /about 13m 44s left$/);
});

test('work without a known total shows how much is done', () => {
  const shown = view(stage('count', { state: 'running', total: 1, running: 1, startedAt: 0 }));
  const progress = { unit: 'lines', done: 12, total: 0, note: 'step 3' };
  shown.activities = [{ stage: 'count', key: 'count', step: 'count', attempt: 1, progress }];
  assert.equal(renderRun(shown, plain).at(-1), '     count  12 lines  step 3');
});

test('items that every `if` excludes do not count as unchanged', () => {
  const done = stage('map', {
    state: 'done',
    total: 9,
    done: 9,
    cached: 2,
    idle: 4,
    startedAt: 0,
    endedAt: 5000,
  });
  assert.equal(countsText(done, plain), '9/9  2 unchanged  4 left out by if');
});

test('failures are blocks with one fact per line and without terminal control characters', () => {
  const crashed = { code: 'ChildCrashed', what: 'worker process crashed (SIGSEGV)' };
  const { status } = view(
    stage('patch', {
      state: 'held',
      total: 9,
      failed: 3,
      failures: [
        {
          stage: 'patch',
          key: 'a',
          step: 'scan',
          error: { ...crashed, facts: { found: 'last\u001b[2J words\r\nand more', next: 'wait' } },
        },
        { stage: 'patch', key: 'b', error: { code: 'Internal', what: 'x is not a function', facts: {} } },
      ],
    }),
    stage('list', {
      state: 'failed',
      error: { code: 'InvalidInput', what: 'has no column', facts: { file: 't.csv' } },
    }),
  );
  assert.deepEqual(renderFailures(status, plain), [
    ' ✘ patch@a scan  ChildCrashed: worker process crashed (SIGSEGV)',
    '     found    last words',
    '              and more',
    '     next     wait',
    ' ✘ patch@b  Internal: x is not a function',
    '     next     see `npx sam-mil logs study-1 patch@b`',
    '   and 1 more failed item in patch',
    ' ✘ list  InvalidInput: t.csv: has no column',
  ]);
  assert.equal(countsText(status.stages[1], plain), 'did not run');
});

test('up-to-date items do not count for the pace', () => {
  const [, line] = renderRun(
    view(stage('a', { state: 'running', total: 100, done: 50, cached: 50, startedAt: 0 })),
    plain,
  );
  assert.equal(line, ' ▸ a  50/100  50 unchanged  1m 00s');
});

test('durations, sizes, tables, clipping, control characters', () => {
  assert.deepEqual([0, 59.6, 61, 3661, 90_000].map(formatDuration), [
    '0s',
    '1m 00s',
    '1m 01s',
    '1h 01m',
    '1d 1h',
  ]);
  assert.deepEqual([0, 999, 1000, 123_456, 5e9].map(formatBytes), [
    '0 B',
    '999 B',
    '1.0 kB',
    '123 kB',
    '5.0 GB',
  ]);
  const red = pc.createColors(true).red;
  assert.deepEqual(
    formatTable(
      [
        [red('a'), '1'],
        ['bcd', '10'],
      ],
      [1],
    ),
    [`${red('a')}     1`, 'bcd  10'],
  );
  assert.equal(clip(`${red('abcdef')}gh`, 5), `${red('abcd…')}`);
  assert.equal(clip('abcde', 5), 'abcde');
  assert.equal(clip('乳腺癌切片', 5), '乳腺…');
  assert.deepEqual(
    formatTable([
      ['乳腺', '1'],
      ['✔ ab', '2'],
    ]),
    ['乳腺  1', '✔ ab  2'],
  );
  assert.equal(oneLine('a\u001b[31mb\r\n\u0007c\u202e'), 'ab ·c·');
});

/** A terminal that keeps what a person would see. Supports the few sequences that the display uses. */
function terminal(columns: number, rows: number): { stream: WriteStream; screen: () => string[] } {
  const lines = [''];
  let row = 0;
  const stream = new PassThrough() as unknown as WriteStream;
  Object.assign(stream, { isTTY: true, columns, rows });
  stream.write = (chunk: string | Uint8Array): boolean => {
    for (const part of String(chunk).split(/(\u001b\[\??[0-9;]*[A-Za-z]|\n|\r)/)) {
      const up = /^\u001b\[(\d+)A$/.exec(part);
      if (part === '\n') lines[++row] ??= '';
      else if (up) row -= Number(up[1]);
      else if (part === '\u001b[2K') lines[row] = '';
      else if (part !== '' && !/^[\u001b\r\n]/.test(part)) lines[row] += part;
      assert.ok(row >= 0, 'the cursor left the screen');
    }
    return true;
  };
  return { stream, screen: () => lines.filter((line) => line !== '') };
}

test('a terminal shows the newest block once, below the lines that stay', async (context) => {
  const { stream, screen } = terminal(60, 10);
  const kept = process.env.TERM;
  process.env.TERM = 'xterm';
  context.after(() => (process.env.TERM = kept));
  const display = createDisplay(stream);
  display.line('started');
  display.status(view(stage('a', { state: 'running', total: 2 }), stage('b', {})));
  process.emitWarning('something is old', 'DeprecationWarning');
  await new Promise(setImmediate);
  display.status(view(stage('a', { state: 'done', total: 2, done: 2 })));
  display.line('a warning');
  display.status(view(stage('a', { state: 'done', total: 2, done: 2, endedAt: 1000, startedAt: 0 })));
  display.closed();
  assert.deepEqual(screen(), [
    'started',
    'DeprecationWarning: something is old',
    'a warning',
    'study-1  running  1m 00s',
    ' ✔ a  2/2  1s',
  ]);
});

test('a block that is wider and taller than the terminal is cut, not wrapped', () => {
  const { stream, screen } = terminal(20, 4);
  const display = createDisplay(stream);
  const stages = ['a', 'b', 'c', 'd', 'e'].map((name) =>
    stage(name.repeat(30), { state: 'running', total: 2 }),
  );
  display.status(view(...stages));
  display.status(view(...stages));
  display.closed();
  assert.equal(screen().length, 3);
  assert.ok(screen().every((line) => line.length <= 20));
});

test('a pipe shows each retry once with its cause, and how long finished stages took', () => {
  const stream = new PassThrough() as unknown as WriteStream & PassThrough;
  const display = createDisplay(stream);
  const shown = view(
    stage('patch', { state: 'done', total: 2, done: 2, startedAt: 0, endedAt: 5000 }),
    stage('train', { state: 'running', total: 4, running: 1, startedAt: 0 }),
  );
  const lastFailure = { code: 'Stalled' as const, what: 'no progress for 5 min', facts: {} };
  shown.activities = [{ stage: 'train', key: 'abmil-0-1', step: 'train', attempt: 2, lastFailure }];
  display.status(shown);
  display.status(shown);
  assert.deepEqual(String(stream.read()).trim().split('\n'), [
    'train: abmil-0-1 train: attempt 2, after Stalled: no progress for 5 min',
    'patch: done, 2/2, 5s',
    'train: running, 0/4, 1 running, 1m 00s',
  ]);
});

test('a block in a terminal that became narrower is erased row by row, and no line above it', (context) => {
  const kept = { TMUX: process.env.TMUX, TERM: process.env.TERM };
  context.after(() => Object.assign(process.env, kept));
  const stream = new PassThrough() as unknown as WriteStream & PassThrough;
  Object.assign(stream, { isTTY: true, columns: 60, rows: 10 });
  const display = createDisplay(stream);
  const block = view(stage('a'.repeat(34), { state: 'running', total: 2 }), stage('b', {}));
  const erasedRows = (columns: number): number => {
    Object.assign(stream, { columns: 60 });
    display.status(block);
    stream.read();
    Object.assign(stream, { columns });
    display.status(block);
    const written = String(stream.read());
    assert.doesNotMatch(written, /\u001b\[0?J/, 'tmux would keep a copy of a screen that is cleared at once');
    return written.split('\u001b[1A\u001b[2K').length - 1;
  };
  process.env.TMUX = 'any';
  assert.equal(erasedRows(60), 3);
  // 24, 42 and 52 columns.
  assert.equal(erasedRows(40), 1 + 2 + 2);
  delete process.env.TMUX;
  process.env.TERM = 'linux';
  assert.equal(erasedRows(40), 3, 'a terminal that cuts lines wraps none');
  display.closed();
});

test('piped output shows how long an ended stage took, not how long ago it started', () => {
  const stream = new PassThrough();
  const display = createDisplay(stream as unknown as WriteStream);
  const ended = stage('patch', { state: 'done', total: 2, done: 2, startedAt: 0, endedAt: 30_000 });
  const running = stage('train', { state: 'running', total: 2, running: 1, startedAt: 40_000 });
  // As a resumed run shows its earlier stages: hours after they ended.
  display.status({ ...view(ended, running), now: 7_240_000 });
  display.closed();
  assert.equal(String(stream.read()), 'patch: done, 2/2, 30s\ntrain: running, 0/2, 1 running, 2h 00m\n');
});

test('what waits for a slot of a worker is not counted as running', () => {
  const train = stage('train', { state: 'running', total: 9, running: 4, startedAt: 0 });
  assert.equal(countsText(train, plain, 3), '0/9  4 running  3 waiting for a slot');
  const shown = { ...view(train), waiting: { train: 3 } };
  assert.match(renderRun(shown, plain)[1], /0\/9 {2}4 running {2}3 waiting for a slot/);
});

test('skipped items and further failed ones are named, with a line per reason', () => {
  const error = { code: 'InvalidInput', what: 'broken', facts: {} };
  const failures = [{ stage: 'patch', key: 's1', error }];
  const items = [
    { stage: 'patch', key: 's1', status: 'failed' as const, reason: 'broken' },
    { stage: 'patch', key: 's2', status: 'failed' as const, reason: 'broken' },
    ...['s3', 's4', 's5', 's6', 's7', 's8'].map((key) => {
      return { stage: 'patch', key, status: 'skipped' as const, reason: 'no tissue' };
    }),
  ];
  assert.deepEqual(renderLeftOut(items, [stage('patch', { failures })], plain), [
    ' ✘ patch@s2  failed: broken',
    ' - patch@s3, s4, s5, s6, s7 and 1 more  skipped: no tissue',
  ]);
});

test('a slide that a file excludes from several stages is named once, with its reason', () => {
  const excluded = (name: string, key: string) => {
    return { stage: name, key, status: 'skipped' as const, reason: 'excluded: out of focus' };
  };
  const items = [excluded('x20', 's3'), excluded('x20', 's7'), excluded('x10', 's3'), excluded('x10', 's7')];
  assert.deepEqual(renderLeftOut(items, [], plain), [' - s3, s7  excluded: out of focus']);
});
