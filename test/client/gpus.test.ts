import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StepResources } from '../../domain/engine/store/step-resources.js';
import { lastObject, runCli, startCli } from '../support/cli.js';
import { STUB_PLUGIN } from '../support/engine.js';
import { gpuLine, StandInSmi, UUIDS } from '../support/nvidia-smi.js';
import { control } from '../support/stub-plugin.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const PIPELINE = `pipeline: 1
name: small
stages:
  make:
    foreach: { list: [{ name: a }, { name: b }, { name: c }], as: word }
    uses: stub.write
    runs-on: gpu
    with: { text: "\${{ word.name }}" }
`;

test('a run uses all GPUs of the host at once; status and its JSON show what the steps used', async (context) => {
  const smi = StandInSmi.install(context, { gpus: [gpuLine(0), gpuLine(1)] });
  smi.measures([`0, ${UUIDS[0]}, 50, 4096`, `1, ${UUIDS[1]}, 70, 2048`], []);
  const folder = temporaryFolder(context);
  const work = join(folder, 'work');
  mkdirSync(work);
  writeFileSync(join(folder, 'small.yaml'), PIPELINE);
  for (const item of ['a', 'b', 'c']) control(work, item, { tellGpu: true, sleepMs: 1500 });
  const options = ['--work', work, '--plugin', STUB_PLUGIN, '--json'];
  const run = await runCli(folder, 'run', 'small.yaml', ...options);
  assert.equal(run.code, 0, run.stderr);
  const lines = readFileSync(join(work, '.gpus'), 'utf8').trim().split('\n');
  const given = lines.map((line) => line.split(' ')[2]);
  assert.deepEqual([...new Set(given)].sort(), UUIDS.slice(0, 2));
  assert.equal(given.length, 3);

  const status = await runCli(folder, 'status', '--json', '--work', work);
  const [used] = lastObject(status).resources as StepResources[];
  assert.deepEqual(lastObject(run).resources, lastObject(status).resources);
  assert.deepEqual([used.stage, used.items, used.devices], ['make', 3, ['cpu']]);
  assert.ok(used.total >= 4.5 && used.cpu !== undefined && used.memory !== undefined);
  // One of three steps had to wait for one of two slots.
  assert.ok(used.waited !== undefined && used.waited >= 0.4, `${used.waited}`);
  // The steps computed on the CPU, so that what others did on their GPU is not shown as theirs.
  assert.deepEqual([used.gpus, used.gpuMemory, used.gpuUtilization], [[], undefined, undefined]);
  const text = await runCli(folder, 'status', '--work', work);
  assert.match(text.stdout, /^ step +time +waited +CPU +memory +device$/m);
  assert.match(text.stdout, /^ make .* cpu$/m);
});

test('a worker is refused a GPU that does not exist or is hidden, before anything else starts', async (context) => {
  StandInSmi.install(context, { gpus: [gpuLine(0), gpuLine(1)] });
  const folder = temporaryFolder(context);
  const refused = async (args: string[], ...words: RegExp[]) => {
    const { code, stderr } = await runCli(folder, 'worker', '--no-set-up', ...args);
    assert.notEqual(code, 0);
    for (const word of words) assert.match(stderr, word);
  };
  await refused(['--gpus', '0,7'], /no GPU 7/, /0 \(NVIDIA H100 80GB HBM3\), 1 \(NVIDIA H100 80GB HBM3\)/);
  await refused(['--gpus', 'first'], /expected all, or indexes or UUIDs of GPUs/);
  await refused(['--gpus', ''], /expected all, or indexes/);
  await refused(['--per-gpu', '0'], /at least 1/);
  await refused(['--gpus', '0', '--queues', 'engine'], /apply to steps, and the engine queue has none/);
  await refused(['--per-gpu', '2', '--concurrency', 'gpu=3'], /contradict each other/);
});

test('a worker names its GPUs, and warns of one that another worker uses', async (context) => {
  StandInSmi.install(context, { gpus: [gpuLine(0), gpuLine(1)] });
  const folder = temporaryFolder(context);
  const first = startCli(folder, 'worker', '--no-set-up', '--queues', 'gpu', '--gpus', '1', '--per-gpu', '2');
  await first.says('worker serves gpu');
  assert.match(first.output(), /steps use GPU 1 \(NVIDIA H100 80GB HBM3\), 2 steps on each/);
  assert.doesNotMatch(first.output(), /warning/);
  const second = startCli(folder, 'worker', '--no-set-up', '--queues', 'gpu');
  await second.says('worker serves gpu');
  assert.match(
    second.output(),
    new RegExp(`warning: the worker with process id ${first.child.pid} uses some of these`),
  );
  for (const { child, ended } of [second, first]) {
    child.kill('SIGTERM');
    await ended;
  }
});

test('a worker whose driver does not answer says so, and serves the gpu queue as without a GPU', async (context) => {
  StandInSmi.install(context, { error: 'Failed to initialize NVML: Driver/library version mismatch' });
  const folder = temporaryFolder(context);
  const worker = startCli(folder, 'worker', '--no-set-up', '--queues', 'gpu');
  await worker.says('worker serves gpu');
  assert.match(worker.output(), /warning: nvidia-smi: Failed to initialize NVML/);
  worker.child.kill('SIGTERM');
  await worker.ended;
});
