import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { eventually, isAlive } from '../../support/processes.js';
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
  assert.ok(isAlive(first));
  stop.abort(new Error('stopped by the test'));
  await assert.rejects(stopped, /stopped by the test/);
  await eventually('the program of the stopped child is gone', () => !isAlive(first), 5000);

  control(work, 'crashed', { program: true, crashTimes: 1 });
  await assert.rejects(steps.run('stub.write', { item: 'crashed' }), { code: 'ChildCrashed' });
  const second = await programOf(work);
  assert.notEqual(second, first);
  await eventually('the program of the crashed child is gone', () => !isAlive(second), 5000);

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
  await eventually('the program of the killed child is gone', () => !isAlive(third), 5000);
});
