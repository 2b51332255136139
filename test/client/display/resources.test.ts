import assert from 'node:assert/strict';
import { test } from 'node:test';
import pc from 'picocolors';
import { renderResources } from '../../../client/display/render-resources.js';
import { renderRun } from '../../../client/display/render-status.js';
import { zeroCounts } from '../../../domain/engine/item/counts.js';
import type { StepResources } from '../../../domain/engine/store/step-resources.js';

const plain = pc.createColors(false);
const row = (facts: Partial<StepResources>): StepResources => ({
  ...{ stage: 'extract', step: 'extract', items: 1, total: 60, longest: 60 },
  ...{ devices: [], gpus: [], hosts: ['h'], ...facts },
});
const onGpu = row({
  ...{ step: 'features', waited: 3, cpu: 90, memory: 1.9e9, patchesPerSecond: 812.44 },
  ...{ gpuMemory: 10.2e9, gpuMemoryOf: 'step', gpuUtilization: 90.6 },
  ...{ devices: ['cuda'], gpus: ['GPU 0 NVIDIA H100 80GB HBM3'] },
});

test('the resources of a run have one line per step, and only columns that have a value', () => {
  assert.deepEqual(renderResources([], plain, {}), []);
  assert.deepEqual(renderResources([row({})], plain, {}), [
    '',
    ' step       time  device',
    ' extract  1m 00s  -',
    '',
  ]);
  assert.deepEqual(renderResources([row({ cpu: 4, devices: ['cpu'] }), onGpu], plain, {}), [
    '',
    ' step                time  waited     CPU  memory  patches/s  GPU memory   use  device',
    ' extract           1m 00s       -      4s       -          -           -     -  cpu',
    ' extract features  1m 00s      3s  1m 30s  1.9 GB      812.4     10.2 GB  91 %  cuda, GPU 0 NVIDIA H100 80GB HBM3',
    '',
  ]);
});

test('a terminal cuts the table instead of wrapping it', () => {
  for (const columns of [80, 120]) {
    const lines = renderResources([onGpu], plain, { isTTY: true, columns });
    assert.ok(lines.every((line) => line.length <= columns));
    assert.ok(lines[2].includes('91 %'));
  }
});

test('a running step names its GPU', () => {
  const stage = {
    name: 'extract',
    needs: [],
    failures: [],
    ...zeroCounts(),
    state: 'running' as const,
    total: 2,
    running: 1,
    startedAt: 0,
  };
  const status = {
    run: 'r-1',
    pipeline: 'r',
    work: '/w',
    state: 'running' as const,
    startedAt: 0,
    stages: [stage],
    message: '',
  };
  const activities = [{ stage: 'extract', key: 'a', step: 'extract', attempt: 1, device: 'GPU 1' }];
  assert.equal(renderRun({ status, activities, now: 1000 }, plain)[2], '     a extract  GPU 1');
});
