import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { GpuSampler } from '../../../domain/machine/gpu/gpu-sampler.js';
import { GpuSlots } from '../../../domain/machine/gpu/gpu-slots.js';
import { listGpus } from '../../../domain/machine/gpu/nvidia-smi.js';
import { isProcessAlive } from '../../../domain/machine/file-lock.js';
import { CommandSteps } from '../../support/command-steps.js';
import { gpuLine, StandInSmi, UUIDS } from '../../support/nvidia-smi.js';
import { eventually } from '../../support/processes.js';
import { control } from '../../support/stub-plugin.js';
import { StubSteps } from '../../support/stub-step.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { setVariables } from '../../support/variables.js';

interface Told {
  item: string;
  pid: number;
  gpu: string;
  order: string;
}

/** What the children said they were given, in order of their start. */
function told(work: string): Told[] {
  const path = join(work, '.gpus');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  return lines.map((line) => {
    const [item, pid, gpu, order = ''] = line.split(' ');
    return { item, pid: Number(pid), gpu, order };
  });
}

async function open(context: TestContext, perGpu: number, count = 2) {
  const smi = StandInSmi.install(context, { gpus: Array.from({ length: count }, (_, i) => gpuLine(i)) });
  const work = temporaryFolder(context);
  const steps = await StubSteps.open(work);
  const slots = new GpuSlots((await listGpus()).gpus, perGpu, new GpuSampler(50));
  context.after(async () => {
    await steps.engine.close();
    slots.close();
  });
  const start = (item: string, signal = new AbortController().signal, stage = 'stage') =>
    steps.run('stub.write', { item, stage, with: { text: item } }, { signal, gpus: slots, gpuQueue: true });
  const begun = (items: number) => eventually(`${items} steps run`, () => told(work).length >= items);
  return { smi, work, steps, slots, start, begun };
}

test('three steps on two GPUs with one slot each: the third gets the GPU that becomes free', async (context) => {
  const { work, start, begun, slots } = await open(context, 1);
  assert.equal(slots.size, 2);
  for (const item of ['a', 'b', 'c']) control(work, item, { tellGpu: true, gate: true });
  const a = start('a');
  await begun(1);
  const b = start('b');
  await begun(2);
  control(work, 'b', {});
  await b;
  const c = start('c');
  await begun(3);
  for (const item of ['a', 'c']) control(work, item, {});
  await Promise.all([a, c]);
  const [first, second, third] = told(work);
  assert.deepEqual([first.gpu, second.gpu, third.gpu], [UUIDS[0], UUIDS[1], UUIDS[1]]);
  assert.equal(third.pid, second.pid, 'the child of that GPU is used again');
  assert.ok(told(work).every(({ order }) => order === 'PCI_BUS_ID'));
});

test('with two slots per GPU, the steps spread over the GPUs, and each child keeps its GPU', async (context) => {
  const { work, start, begun, slots } = await open(context, 2);
  assert.equal(slots.size, 4);
  const items = ['a', 'b', 'c', 'd'];
  for (const item of items) control(work, item, { tellGpu: true, gate: true });
  const running: Promise<unknown>[] = [];
  for (const item of items) {
    running.push(start(item));
    await begun(running.length);
  }
  for (const item of items) control(work, item, {});
  await Promise.all(running);
  const first = told(work);
  assert.deepEqual(
    first.map(({ gpu }) => gpu),
    [UUIDS[0], UUIDS[1], UUIDS[0], UUIDS[1]],
  );
  assert.equal(new Set(first.map(({ pid }) => pid)).size, 4);
  control(work, 'e', { tellGpu: true });
  await start('e');
  const last = told(work)[4];
  const same = first.find(({ pid }) => pid === last.pid);
  assert.equal(same?.gpu, last.gpu);
});

test('a slot is free again after a crash, a failure and a cancellation, when the child has ended', async (context) => {
  const { work, start, begun } = await open(context, 1, 1);
  control(work, 'crash', { tellGpu: true, crashTimes: 1 });
  await assert.rejects(start('crash'), { code: 'ChildCrashed' });
  control(work, 'fail', { tellGpu: true, failTimes: 1 });
  await assert.rejects(start('fail'), /told to fail/);
  control(work, 'stop', { tellGpu: true, hang: true });
  const stop = new AbortController();
  const stopped = start('stop', stop.signal);
  await begun(3);
  stop.abort(new Error('stopped by the test'));
  await assert.rejects(stopped, /stopped by the test/);
  const { pid } = told(work)[2];
  assert.ok(!isProcessAlive(pid), 'the stopped child has released the memory of the GPU');
  control(work, 'next', { tellGpu: true });
  await start('next');
  assert.deepEqual([...new Set(told(work).map(({ gpu }) => gpu))], [UUIDS[0]]);
});

test('a step of another queue that would use a GPU waits for a slot; others wait for none and get none', async (context) => {
  const { work, steps, slots, start, begun } = await open(context, 1, 1);
  const cpuQueue = (item: string, text: string, signal = new AbortController().signal) =>
    steps.run('stub.write', { item, with: { text } }, { signal, gpus: slots });
  for (const item of ['a', 'b', 'c', 'd']) control(work, item, { tellGpu: true, gate: item === 'a' });
  const a = start('a');
  await begun(1);
  const stop = new AbortController();
  const given = cpuQueue('b', 'computes on a GPU', stop.signal);
  const c = cpuQueue('c', 'computes on a GPU');
  await cpuQueue('d', 'computes on the CPU');
  stop.abort(new Error('stopped while it waited'));
  await assert.rejects(given, /stopped while it waited/);
  assert.deepEqual(
    told(work).map(({ item, gpu }) => [item, gpu]),
    [
      ['a', UUIDS[0]],
      ['d', 'all'],
    ],
  );
  control(work, 'a', {});
  const [, { receipt }] = await Promise.all([a, c]);
  assert.deepEqual([told(work)[2].item, told(work)[2].gpu, told(work).length], ['c', UUIDS[0], 3]);
  assert.ok(receipt.made.waited !== undefined && receipt.made.waited > 0, 'the receipt counts the wait');
});

test('an idle child of another runtime ends before a step starts on its GPU', async (context) => {
  const { work, steps, slots, start } = await open(context, 1, 1);
  control(work, 'a', { tellGpu: true });
  await start('a');
  const { pid } = told(work)[0];
  assert.ok(isProcessAlive(pid));
  const [gpu] = slots.gpus;
  const places = { work, run: 'run', name: 'item', scratch: work, checkpoint: work };
  const job = { activity: 'no.such-activity', with: {}, hidden: {}, ...places };
  const listener = { onProgress: () => undefined, onLog: () => undefined };
  await assert.rejects(steps.engine.pool.run('other', job, listener, new AbortController().signal, { gpu }));
  assert.ok(!isProcessAlive(pid));
});

test('without assigned GPUs, a child sees what its worker sees, and TensorFlow lets its memory grow', async (context) => {
  setVariables(context, { CUDA_VISIBLE_DEVICES: '3' });
  const work = temporaryFolder(context);
  const steps = await StubSteps.open(work);
  context.after(() => steps.engine.close());
  control(work, 'item', { tellGpu: true });
  const { receipt } = await steps.run('stub.write', { with: { text: 'a' } });
  const [{ gpu, pid, order }] = told(work);
  assert.deepEqual([gpu, order], ['3', '']);
  assert.equal(receipt.made.gpu, undefined);
  if (process.platform !== 'linux') return;
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  for (const setting of ['TF_FORCE_GPU_ALLOW_GROWTH=true', 'NVIDIA_TF32_OVERRIDE=0'])
    assert.ok(environment.includes(setting), setting);
});

test('a receipt names the GPU and what was measured on it while the step ran', async (context) => {
  const { smi, work, start, begun } = await open(context, 1);
  control(work, 'a', { tellGpu: true, gate: true });
  const running = start('a');
  await begun(1);
  const { pid } = told(work)[0];
  const sample = (use: string, memory: string) => [
    `0, ${UUIDS[0]}, ${use}, ${memory}`,
    `1, ${UUIDS[1]}, 99, 70000`,
  ];
  smi.measures(sample('80', '3000'), [`${pid}, 2048`, `${process.pid}, 9000`]);
  await smi.told();
  smi.measures(sample('80', '2500'), [`${pid}, [N/A]`]);
  await smi.told();
  control(work, 'a', {});
  const { receipt } = await running;
  const MIB = 2 ** 20;
  assert.deepEqual(receipt.made.gpu, {
    index: '0',
    uuid: UUIDS[0],
    name: 'NVIDIA H100 80GB HBM3',
    memory: 2048 * MIB,
    inUse: 3000 * MIB,
    utilization: 80,
  });
  assert.ok(receipt.made.cpu! >= 0);
});

test('what nvidia-smi does not measure is absent from the receipt, and the key does not depend on the GPU', async (context) => {
  const { smi, steps, start } = await open(context, 1);
  smi.measures([`0, ${UUIDS[0]}, [N/A], [N/A]`], []);
  const { receipt } = await start('a');
  assert.deepEqual(receipt.made.gpu, { index: '0', uuid: UUIDS[0], name: 'NVIDIA H100 80GB HBM3' });
  const plain = await steps.run('stub.write', { item: 'a', stage: 'other', with: { text: 'a' } });
  assert.equal(plain.how, 'linked');
  assert.equal(plain.receipt.key, receipt.key);
});

test('the programs that measure end with the last step', async (context) => {
  const { work, start, begun, slots } = await open(context, 1);
  control(work, 'a', { tellGpu: true, gate: true });
  const running = start('a');
  await begun(1);
  const { loops } = slots;
  assert.equal(loops.length, 2);
  assert.ok(loops.every(isProcessAlive));
  control(work, 'a', {});
  await running;
  await eventually('they have ended', () => !loops.some(isProcessAlive));
});

test('a program of pipeline.command sees only the GPU of its step', async (context) => {
  StandInSmi.install(context, { gpus: [gpuLine(0), gpuLine(1)] });
  const steps = await CommandSteps.open(context);
  const slots = new GpuSlots((await listGpus()).gpus, 1, new GpuSampler(50));
  context.after(() => slots.close());
  await slots.take();
  await steps.shell(
    'echo "sees $CUDA_VISIBLE_DEVICES in $CUDA_DEVICE_ORDER"',
    {},
    { gpus: slots, gpuQueue: true },
  );
  assert.ok(steps.logs.includes(`sees ${UUIDS[1]} in PCI_BUS_ID`), steps.logs.join('\n'));
});
