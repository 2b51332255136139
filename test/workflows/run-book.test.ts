import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zeroCounts } from '../../domain/engine/item/counts.js';
import type { PlanSummary, StageSummary } from '../../activities/engine/stage-messages.js';
import type { StageOutcome } from '../../workflows/messages.js';
import { RunBook } from '../../workflows/run-book.js';
import { runMessage } from '../../workflows/run-message.js';
import { reasonText } from '../../workflows/stage-tally.js';

const stage = (name: string, needs: string[] = [], parts: Partial<StageSummary> = {}): StageSummary => {
  return { name, needs, maxParallel: 4, ...parts };
};

function bookOf(onFailure: PlanSummary['onFailure'], ...stages: StageSummary[]): RunBook {
  return new RunBook({ name: 'test', onFailure, stages });
}

function outcome(
  name: string,
  state: StageOutcome['state'],
  parts: Partial<StageOutcome> = {},
): StageOutcome {
  const counts = { ...zeroCounts(4), done: 4 };
  return { name, state, counts, failures: [], ...parts };
}

function states(book: RunBook): Record<string, string> {
  return Object.fromEntries(book.statuses.map(({ name, state }) => [name, state]));
}

/** Starts what may start; returns the chains. */
function start(book: RunBook): string[][] {
  const chains = book.startable(0);
  for (const chain of chains) book.started(chain, 'workflow', 0);
  return chains;
}

test('a stage starts when all stages it needs have ended; a follower starts with the stage it follows', () => {
  const book = bookOf(
    'hold',
    stage('slides'),
    stage('train', ['slides']),
    stage('evaluate', ['slides', 'train'], { follows: 'train' }),
    stage('heatmap', ['evaluate', 'slides'], { follows: 'slides' }),
  );
  assert.deepEqual(start(book), [['slides']]);
  assert.deepEqual(start(book), []);
  book.ended([outcome('slides', 'done')], 1);
  assert.deepEqual(start(book), [['train', 'evaluate']]);
  book.ended([outcome('train', 'done'), outcome('evaluate', 'done')], 2);
  assert.deepEqual(start(book), [['heatmap']]);
  book.ended([outcome('heatmap', 'done')], 3);
  assert.ok(book.over);
  assert.equal(book.state, 'done');
});

test('a stage that runs for selected items only is not fused with its predecessor', () => {
  const stages = [stage('train'), stage('evaluate', ['train'], { follows: 'train' })];
  const book = new RunBook({ name: 'test', onFailure: 'hold', stages }, ['evaluate']);
  assert.deepEqual(start(book), [['train']]);
});

test('hold: other stages continue, then the run waits; retry restarts the stage and its follower', () => {
  const stages = [stage('a'), stage('b', ['a'], { follows: 'a' }), stage('c')];
  const book = bookOf('hold', ...stages, stage('report', ['b'], { if: 'always()' }));
  start(book);
  book.ended([outcome('a', 'failed', { reason: '1 of 4 items failed' }), outcome('b', 'done')], 1);
  assert.deepEqual(states(book), { a: 'held', b: 'waiting', c: 'running', report: 'waiting' });
  assert.equal(book.state, 'running');
  book.ended([outcome('c', 'done')], 2);
  assert.equal(book.state, 'held');
  assert.match(runMessage('run', book), /held: a: 1 of 4 items failed\. `sam-mil resume run` retries/);
  book.retry(['a']);
  assert.deepEqual(start(book), [['a', 'b']]);
  book.ended([outcome('a', 'done'), outcome('b', 'failed', { reason: 'bad' })], 3);
  assert.deepEqual(states(book), { a: 'done', b: 'held', c: 'done', report: 'waiting' });
  book.skip('b', undefined, 4);
  assert.deepEqual(start(book), [['report']]);
});

test('the time of a pause and of a hold is that of the run, and of the stages that went through it', () => {
  const book = bookOf('hold', stage('a'), stage('b'));
  start(book);
  book.ended([outcome('a', 'done')], 10);
  assert.deepEqual(book.waitingTime(10), {});
  book.paused = true;
  assert.deepEqual(book.waitingTime(20), { waitingSince: 20 });
  assert.deepEqual(book.waitingTime(30), { waitingSince: 20 });
  book.paused = false;
  assert.deepEqual(book.waitingTime(50), { waitedMs: 30 });
  assert.deepEqual(
    book.statuses.map(({ waitedMs }) => waitedMs),
    [undefined, 30],
  );
  book.ended([outcome('b', 'failed')], 60);
  assert.deepEqual(book.waitingTime(60), { waitedMs: 30, waitingSince: 60 });
  book.retry(['b']);
  assert.deepEqual(book.waitingTime(100), { waitedMs: 70 });
  start(book);
  assert.deepEqual(
    book.statuses.map(({ waitedMs }) => waitedMs),
    [undefined, undefined],
  );
});

test('the name of a stage of the file means its held cells', () => {
  const book = bookOf(
    'hold',
    stage('extract-a', [], { of: 'extract' }),
    stage('extract-b', [], { of: 'extract' }),
  );
  start(book);
  book.ended([outcome('extract-a', 'failed'), outcome('extract-b', 'done')], 1);
  assert.deepEqual(book.heldAs('extract'), ['extract-a']);
  assert.deepEqual(book.heldAs('extract-a'), ['extract-a']);
  assert.deepEqual(book.heldAs('extract-b'), []);
  book.retry(['extract-a']);
  start(book);
  book.ended([outcome('extract-a', 'failed')], 2);
  book.ended([outcome('extract-b', 'failed')], 3);
  assert.deepEqual(book.heldAs('extract'), ['extract-a', 'extract-b']);
});

/** An outcome with lists of items, as `engine.finish-stage` returns them. */
function finished(name: string, state: StageOutcome['state'] = 'done'): StageOutcome {
  const file = (list: string) => ({ path: `${name}/${list}`, digest: 'sha256:0', bytes: 1 });
  return outcome(name, state, { items: { items: file('items'), count: 4 }, receipts: file('receipts') });
}

/** The stages that must be checked now. */
function toCheck(book: RunBook): string[] | undefined {
  return book.toCheck?.map(({ stage }) => stage);
}

const damage = (stage: string) => ({ stage, items: 1, files: [`${stage}/a.txt`] });

test('a retry first checks the outputs of ended stages; damaged ones and all after them run again', () => {
  const stages = [
    stage('a'),
    stage('b', ['a'], { follows: 'a' }),
    stage('other'),
    stage('skipped', ['b'], { if: 'false' }),
    stage('c', ['b', 'other']),
    stage('d', ['c']),
  ];
  const book = bookOf('hold', ...stages);
  start(book);
  book.ended([finished('a'), finished('b')], 1);
  book.ended([finished('other')], 1);
  start(book);
  assert.equal(toCheck(book), undefined, 'nothing is checked while stages start and end');
  book.ended([finished('c', 'failed')], 2);
  book.retry(['c']);
  assert.deepEqual(toCheck(book), ['a', 'b', 'other']);
  book.checked([damage('a')], 3);
  assert.equal(toCheck(book), undefined);
  assert.deepEqual(states(book), {
    ...{ a: 'waiting', b: 'waiting', other: 'done' },
    ...{ skipped: 'waiting', c: 'waiting', d: 'waiting' },
  });
  assert.deepEqual(start(book), [['a', 'b']], 'the maker and what follows it, then the rest');
});

test('a stage that was accepted by hand stays accepted when it runs again for a damaged one', () => {
  const book = bookOf('hold', stage('a'), stage('b', ['a']), stage('c', ['b']));
  start(book);
  book.ended([finished('a')], 1);
  start(book);
  book.ended([finished('b', 'failed')], 2);
  book.skip('b', undefined, 3);
  start(book);
  book.ended([finished('c', 'failed')], 4);
  book.retry(['c']);
  book.checked([damage('a')], 5);
  start(book);
  book.ended([finished('a')], 6);
  start(book);
  book.ended([finished('b', 'failed')], 7);
  assert.deepEqual(states(book), { a: 'done', b: 'done', c: 'waiting' });
});

test('a run ends as done only after its outputs were checked; damage counts as failure', () => {
  for (const [onFailure, state] of [
    ['hold', 'held'],
    ['fail', 'failed'],
    ['continue', 'failed'],
  ] as const) {
    const book = bookOf(onFailure, stage('a'), stage('b', ['a']));
    start(book);
    book.ended([finished('a')], 1);
    start(book);
    book.ended([finished('b')], 2);
    assert.equal(toCheck(book)?.length, 2);
    book.checked([{ stage: 'a', items: 7, files: ['a/1', 'a/2'] }], 3);
    assert.equal(book.state, state);
    assert.match(runMessage('run', book), /a: outputs were changed or deleted.*a\/1, a\/2, and 5 more/);
    assert.equal(toCheck(book), undefined);
    if (onFailure !== 'hold') continue;
    book.retry(['a']);
    assert.deepEqual(toCheck(book), ['b']);
    book.checked([], 4);
    start(book);
    book.ended([finished('a')], 5);
    assert.equal(toCheck(book)?.length, 2, 'it is checked again');
    book.checked([], 6);
    assert.equal(book.state, 'done');
  }
});

test('outputs that cannot be checked are not called done', () => {
  const book = bookOf('hold', stage('a'));
  start(book);
  book.ended([finished('a')], 1);
  book.uncheckable({ code: 'InvalidInput', what: 'the plan cannot be read', facts: {} }, 2);
  assert.equal(book.state, 'held');
  assert.match(runMessage('run', book), /the plan cannot be read/);
});

test('`fail` starts only stages that request it; `continue` continues with the others', () => {
  const stages = [
    stage('bad'),
    stage('slow'),
    stage('later', ['slow']),
    stage('after', ['bad']),
    stage('report', ['later', 'after'], { if: 'always()' }),
  ];
  for (const [onFailure, later] of [
    ['fail', 'skipped'],
    ['continue', 'running'],
  ] as const) {
    const book = bookOf(onFailure, ...stages);
    start(book);
    book.ended([outcome('bad', 'failed')], 1);
    start(book);
    assert.deepEqual(states(book), {
      bad: 'failed',
      slow: 'running',
      later: 'waiting',
      after: 'skipped',
      report: 'waiting',
    });
    book.ended([outcome('slow', 'done')], 2);
    start(book);
    assert.equal(states(book).later, later);
    if (later === 'running') book.ended([outcome('later', 'done')], 3);
    start(book);
    assert.equal(states(book).report, 'running');
    book.ended([outcome('report', 'done')], 4);
    assert.equal(book.state, 'failed');
  }
});

test('an `if` that cannot be evaluated fails its stage by name', () => {
  const book = bookOf('fail', stage('a'), stage('b', ['a'], { if: "needs.a.outputs.nothing == 'x'" }));
  start(book);
  book.ended([outcome('a', 'done', { outputs: { score: 1 } })], 1);
  start(book);
  assert.equal(states(book).b, 'failed');
  assert.match(reasonText(book.statuses[1]) ?? '', /its `if` cannot be evaluated: .*has no field `nothing`/);
});

test('a paused run starts nothing; needs carry outputs and results', () => {
  const book = bookOf('continue', stage('a'), stage('b', ['a'], { if: 'always()' }));
  book.paused = true;
  assert.deepEqual(start(book), []);
  assert.equal(book.state, 'paused');
  book.paused = false;
  start(book);
  book.ended([outcome('a', 'failed', { outputs: { score: 1 } })], 1);
  assert.deepEqual(book.needsOf(['b']), {
    a: { result: 'failure', items: undefined, outputs: { score: 1 } },
  });
});
