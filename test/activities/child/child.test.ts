import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { StallClock } from '../../../activities/child/stall-clock.js';
import { SamMilError } from '../../../domain/errors.js';
import { isProcessAlive } from '../../../domain/machine/file-lock.js';
import { eventually } from '../../support/processes.js';
import { control, readExecutions } from '../../support/stub-plugin.js';
import { StubSteps } from '../../support/stub-step.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

async function open(context: TestContext): Promise<{ work: string; steps: StubSteps }> {
  const work = temporaryFolder(context);
  const steps = await StubSteps.open(work);
  context.after(() => steps.engine.close());
  return { work, steps };
}

async function programOf(work: string): Promise<number> {
  const read = () => {
    try {
      return Number(readFileSync(join(work, '.program'), 'utf8'));
    } catch {
      return 0;
    }
  };
  await eventually('the child has started a program', () => read() > 0);
  return read();
}

test('a program that a step started dies with its child: stopped, crashed, or killed', async (context) => {
  const { work, steps } = await open(context);
  control(work, 'stopped', { program: true, hang: true });
  const stop = new AbortController();
  const stopped = steps.run('stub.write', { item: 'stopped' }, { signal: stop.signal });
  const first = await programOf(work);
  assert.ok(isProcessAlive(first));
  stop.abort(new Error('stopped by the test'));
  await assert.rejects(stopped, /stopped by the test/);
  await eventually('the program of the stopped child is gone', () => !isProcessAlive(first), 5000);

  control(work, 'crashed', { program: true, crashTimes: 1 });
  await assert.rejects(steps.run('stub.write', { item: 'crashed' }), { code: 'ChildCrashed' });
  const second = await programOf(work);
  assert.notEqual(second, first);
  await eventually('the program of the crashed child is gone', () => !isProcessAlive(second), 5000);

  control(work, 'killed', { program: true, hang: true });
  const killed = steps.run('stub.write', { item: 'killed' });
  killed.catch(() => undefined);
  await eventually(
    'the third program runs',
    () => readFileSync(join(work, '.program'), 'utf8') !== `${second}`,
  );
  const third = await programOf(work);
  const child = Number(readExecutions(work).at(-1)?.split(' ')[2]);
  process.kill(child, 'SIGKILL');
  await assert.rejects(killed, { code: 'ChildCrashed' });
  await eventually('the program of the killed child is gone', () => !isProcessAlive(third), 5000);
});

const skip = process.platform === 'win32' && 'no SIGSTOP';

test('a frozen child is killed after `stall`, and the next attempt resumes', { skip }, async (context) => {
  const { work, steps } = await open(context);
  control(work, 'frozen', { freezeTimes: 1 });
  const parts = { item: 'frozen', with: { to: 10, 'each-ms': 20 }, stall: '2s' };
  await assert.rejects(steps.run('stub.count', parts), (error) => {
    assert.ok(error instanceof SamMilError);
    assert.deepEqual([error.code, error.retryable], ['Stalled', true]);
    assert.match(
      error.message,
      /^the step made no progress for 2s, and its process was killed; found it has not reported any progress; Next: .*`stall`/,
    );
    return true;
  });
  const frozen = Number(readExecutions(work).at(-1)?.split(' ')[2]);
  await eventually('the frozen child is gone', () => !isProcessAlive(frozen), 5000);
  const { how } = await steps.run('stub.count', parts);
  assert.equal(how, 'done');
});

test('a step may take longer than `stall` as long as it reports progress, and forever with `stall: off`', async (context) => {
  const { work, steps } = await open(context);
  const slow = { item: 'slow', with: { to: 25, 'each-ms': 150 }, stall: '2s' };
  assert.equal((await steps.run('stub.count', slow)).how, 'done');
  control(work, 'silent', { sleepMs: 4500 });
  const silent = { item: 'silent', with: { to: 1, 'each-ms': 1 } };
  await assert.rejects(steps.run('stub.count', { ...silent, stall: '2s' }), { code: 'Stalled' });
  assert.equal((await steps.run('stub.count', { ...silent, stall: 'off' })).how, 'done');
});

test('time in which the worker itself did not run does not count as a stall of its child', async () => {
  let stalls = 0;
  const clock = new StallClock(400, () => (stalls += 1));
  await sleep(150);
  // The process stands still for longer than the limit, and then reads the messages of that time.
  const until = performance.now() + 1000;
  while (performance.now() < until);
  await sleep(0);
  clock.touch();
  await sleep(250);
  assert.equal(stalls, 0);
  await sleep(600);
  assert.equal(stalls, 1);
});
