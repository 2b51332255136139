import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { TaskThread } from '../../../../domain/machine/threads/task-thread.js';

/** A module of a thread, by its source. */
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

test('results come to their tasks; one that fails comes back as undefined, and the next is done', async (context) => {
  const thread = new TaskThread<number, number>(halves);
  context.after(() => thread.close());
  assert.deepEqual(await Promise.all([2, 3, 4].map((task) => thread.run(task))), [1, undefined, 2]);
});

test('a thread that dies gives up what was asked of it, and another takes its place', async (context) => {
  const thread = new TaskThread<number, number>(halves);
  context.after(() => thread.close());
  assert.deepEqual(await Promise.all([0, 2].map((task) => thread.run(task))), [undefined, undefined]);
  assert.equal(await thread.run(2), 1);
});

test('a task that can not be sent is refused, and keeps no process alive', () => {
  const module = new URL('../../../../domain/machine/threads/task-thread.js', import.meta.url);
  const script = `
    import { TaskThread } from '${module.href}';
    const thread = new TaskThread(new URL(${JSON.stringify(halves.href)}));
    await thread.run(() => 2).catch((error) => console.log(error.name));`;
  const options = { encoding: 'utf8', timeout: 20_000 } as const;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], options);
  assert.deepEqual({ status, stdout }, { status: 0, stdout: 'DataCloneError\n' });
});

test('closing gives up what is waited for; a closed one can be used again', async (context) => {
  const thread = new TaskThread<number, number>(halves);
  context.after(() => thread.close());
  const waiting = thread.run(2);
  thread.close();
  assert.equal(await waiting, undefined);
  assert.equal(await thread.run(4), 2);
});
