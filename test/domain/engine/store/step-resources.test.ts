import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepUse } from '../../../../domain/engine/store/receipt-record.js';
import { sumResources } from '../../../../domain/engine/store/step-resources.js';

const record = (use: StepUse, seconds = 1, step = 'extract') => ({
  stage: 's',
  step,
  host: 'h',
  seconds,
  use,
});
const gpu = (index: string, facts = {}) => ({ index, name: 'H100', uuid: `GPU-${index}`, ...facts });

test('what was not measured is absent, never zero', () => {
  assert.deepEqual(sumResources([record({})]), [
    { stage: 's', step: 'extract', items: 1, total: 1, longest: 1, devices: [], gpus: [], hosts: ['h'] },
  ]);
  assert.deepEqual(sumResources([]), []);
});

test('sums, peaks and means count only what was measured; means weigh by duration', () => {
  const [row] = sumResources([
    record(
      {
        cpu: 2,
        memory: 10,
        waited: 1,
        patchesPerSecond: 100,
        devices: ['cuda'],
        gpu: gpu('1', { memory: 5, inUse: 50, utilization: 80 }),
      },
      30,
    ),
    record(
      { cpu: 3, memory: 30, waited: 2, devices: ['cuda'], gpu: gpu('0', { inUse: 70, utilization: 40 }) },
      10,
    ),
    record({ devices: ['cpu'], gpu: gpu('0', { inUse: 90, utilization: 0 }) }, 10),
  ]);
  assert.deepEqual(row, {
    stage: 's',
    step: 'extract',
    items: 3,
    total: 50,
    longest: 30,
    waited: 1.5,
    cpu: 5,
    memory: 30,
    devices: ['cpu', 'cuda'],
    gpus: ['GPU 0 H100', 'GPU 1 H100'],
    gpuMemory: 5,
    gpuMemoryOf: 'step',
    gpuUtilization: 70,
    patchesPerSecond: 100,
    hosts: ['h'],
  });
});

test('the memory of the whole GPU is shown as such where that of the processes is unknown', () => {
  const [row] = sumResources([record({ devices: ['cuda'], gpu: gpu('0', { inUse: 90 }) })]);
  assert.deepEqual([row.gpuMemory, row.gpuMemoryOf], [90, 'gpu']);
});

test('a step that computed on the CPU does not claim the GPU that it was assigned; a measured program does', () => {
  const [cpu] = sumResources([record({ devices: ['cpu'], gpu: gpu('0', { inUse: 90, utilization: 50 }) })]);
  assert.deepEqual([cpu.gpus, cpu.gpuMemory, cpu.gpuUtilization], [[], undefined, undefined]);
  const [program] = sumResources([
    record({ devices: ['cpu'], gpu: gpu('0', { memory: 9, utilization: 50 }) }),
  ]);
  assert.deepEqual([program.gpus, program.gpuMemory, program.gpuUtilization], [['GPU 0 H100'], 9, 50]);
});

test('steps keep their order of first appearance', () => {
  const rows = sumResources([record({}, 1, 'b'), record({}, 1, 'a'), record({}, 1, 'b')]);
  assert.deepEqual(
    rows.map(({ step, items }) => [step, items]),
    [
      ['b', 2],
      ['a', 1],
    ],
  );
});
