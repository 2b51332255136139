import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { TaskThread } from '../../../../domain/machine/threads/task-thread.js';

/** Creates a thread's module from source code. */
function moduleOf(source: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

const serve = JSON.stringify(
  new URL('../../../../domain/machine/threads/serve-tasks.js', import.meta.url).href,
);
const halves = moduleOf(`
  import { serveTasks } from ${serve};
  serveTasks((task) => {
    if (task === 0) process.exit(1);
    if (task % 2 === 1) throw new Error('odd');
    return task / 2;
  });
`);

test('each task gets its result, a failed one resolves to undefined, and the next one runs', async (context) => {
  const thread = new TaskThread<number, number>(halves);
  context.after(() => thread.close());
  assert.deepEqual(await Promise.all([2, 3, 4].map((task) => thread.run(task))), [1, undefined, 2]);
});

test('pending tasks of a thread that dies resolve to undefined, and a new thread replaces it', async (context) => {
  const thread = new TaskThread<number, number>(halves);
  context.after(() => thread.close());
  assert.deepEqual(await Promise.all([0, 2].map((task) => thread.run(task))), [undefined, undefined]);
  assert.equal(await thread.run(2), 1);
});

test('a task that cannot be sent is rejected and does not keep the process alive', () => {
  const module = new URL('../../../../domain/machine/threads/task-thread.js', import.meta.url);
  const script = `
    import { TaskThread } from '${module.href}';
    const thread = new TaskThread(new URL(${JSON.stringify(halves.href)}));
    await thread.run(() => 2).catch((error) => console.log(error.name));`;
  const options = { encoding: 'utf8', timeout: 20_000 } as const;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], options);
  assert.deepEqual({ status, stdout }, { status: 0, stdout: 'DataCloneError\n' });
});

test('closing resolves pending tasks to undefined, and a closed thread can be used again', async (context) => {
  const thread = new TaskThread<number, number>(halves);
  context.after(() => thread.close());
  const waiting = thread.run(2);
  thread.close();
  assert.equal(await waiting, undefined);
  assert.equal(await thread.run(4), 2);
});
